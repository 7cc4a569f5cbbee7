// SPDX-License-Identifier: GPL-2.0
/*
 * dax-cow: does I/O on files of a filesystem and compares them with a model in
 * memory.
 *
 *	dax-cow FOLDER [NUMBER]
 *
 * Takes steps from its standard input, a line each, on files of FOLDER.  Numbers
 * are bytes.
 *
 *	write FILE OFFSET LENGTH	write(), in one call
 *	direct FILE OFFSET LENGTH	the same with O_DIRECT
 *	store FILE OFFSET LENGTH	the same through a shared mapping
 *	read FILE OFFSET LENGTH		read() and compare
 *	load FILE			compare all of it through a mapping
 *	check				compare all of all files
 *	clone FILE NEW			share all blocks with a new file
 *	copy FILE OFFSET LENGTH OTHER OFFSET
 *					write to OTHER what FILE holds, sharing nothing
 *	dedupe FILE OFFSET LENGTH OTHER OFFSET
 *					share blocks if they are equal; prints "same" or
 *					"differs"
 *	reserve FILE OFFSET LENGTH	allocate blocks
 *	unshare FILE OFFSET LENGTH	share no block with another file
 *	zero FILE OFFSET LENGTH		have zeroes there
 *	punch FILE OFFSET LENGTH	have a hole there
 *	truncate FILE LENGTH
 *	sync FILE			fsync()
 *	kill FILE OFFSET LENGTH USECS	write(), killed after so long: each block is the old
 *					or the new one
 *	crowd FILE PROCESSES ROUNDS LENGTH
 *					each process writes to a clone of its own, at random,
 *					up to LENGTH, and compares
 *	hog LEFT			a process takes all memory but this
 *	mark				prints "mark": all steps before are done
 *
 * Each byte that is written names its step and its offset.  Steps are counted from
 * NUMBER, or from 0, so that what another process has left behind is known for
 * that.  The first comparison
 * that fails prints what is where, a line each, and ends with 1.
 *
 * A step that fails ends the program with 2.  Before a step, "fails" says that it
 * has to, and "may" that it may: then its result and its errno are printed.  What
 * a write() did not do has to be as it was.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_DIFFERS	1
#define EXIT_FAILED	2

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)	((a) < (b) ? (a) : (b))
#define MAX(a, b)	((a) > (b) ? (a) : (b))

#define PAGE		4096UL
#define MIB		(1UL << 20)
/* Of memory that is only reserved: no file and no request is longer. */
#define ROOM		(1UL << 30)
#define MAX_FILES	16
#define MAX_WORDS	8
#define MAX_TOLD	12
#define MAX_ROUNDS	64

/* A word of data: a mark, the step and the word's number in the file. */
#define MARK		UINT64_C(0xda)
#define MARK_SHIFT	56
#define EACH_BYTE	UINT64_C(0x0101010101010101)
#define STEP_SHIFT	40
#define STEP_MASK	0xffffU
#define INDEX_MASK	((UINT64_C(1) << STEP_SHIFT) - 1)

struct file {
	char name[32];
	int fd;
	size_t size;
	unsigned char *model;
};

static struct file files[MAX_FILES];
static unsigned int nr_files;
static unsigned int step_number;
static unsigned char *scratch;

static unsigned char *reserve_memory(void)
{
	void *memory = mmap(NULL, ROOM, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		err(EXIT_FAILED, "%lu bytes of memory", ROOM);
	return memory;
}

/* Two steps have no byte in common, unless they are 256 apart. */
static uint64_t step_veil(unsigned int step)
{
	return (step * 29U & 0xffU) * EACH_BYTE;
}

static uint64_t pattern_word(unsigned int step, uint64_t index)
{
	return (MARK << MARK_SHIFT | (uint64_t)(step & STEP_MASK) << STEP_SHIFT | index) ^
	       step_veil(step);
}

static void fill_bytes(unsigned char *to, size_t offset, size_t length, unsigned int step)
{
	uint64_t word = pattern_word(step, offset / 8);

	memcpy(to, (unsigned char *)&word + offset % 8, length);
}

static void fill_pattern(unsigned char *to, size_t offset, size_t length, unsigned int step)
{
	size_t head = MIN(-offset % 8, length);

	fill_bytes(to, offset, head, step);
	to += head;
	offset += head;
	length -= head;
	for (; length >= 8; to += 8, offset += 8, length -= 8) {
		uint64_t word = pattern_word(step, offset / 8);

		memcpy(to, &word, 8);
	}
	fill_bytes(to, offset, length, step);
}

/* Says whose bytes these are, that are somewhere in a file. */
static void name_owner(const unsigned char *data, size_t offset, size_t length)
{
	size_t skip = MIN(-offset % 8, length);
	unsigned int step;
	uint64_t word;
	size_t i;

	if (length - skip >= 8) {
		memcpy(&word, data + skip, 8);
		/* the veil is the same in each byte, and the mark says which */
		word ^= (word >> MARK_SHIFT ^ MARK) * EACH_BYTE;
		step = word >> STEP_SHIFT & STEP_MASK;
		if (!memcmp(data + skip, &(uint64_t){ pattern_word(step, word & INDEX_MASK) }, 8)) {
			printf("step %u's of offset %" PRIu64, step, (word & INDEX_MASK) * 8);
			return;
		}
	}
	printf("\"");
	for (i = 0; i < MIN(length, 24); i++) {
		if (data[i] >= ' ' && data[i] < 0x7f && data[i] != '"' && data[i] != '\\')
			printf("%c", data[i]);
		else
			printf("\\x%02x", data[i]);
	}
	printf("\"");
}

static bool tell_difference(const struct file *file, const unsigned char *data, size_t offset,
			    size_t length, unsigned int *told)
{
	const unsigned char *model = file->model + offset;
	size_t first, end;
	bool differs = false;

	for (first = 0; first < length; first = end) {
		end = MIN(length, first + PAGE - (offset + first) % PAGE);
		if (!memcmp(data + first, model + first, end - first))
			continue;
		differs = true;
		while (data[first] == model[first])
			first++;
		while (data[end - 1] == model[end - 1])
			end--;
		if ((*told)++ < MAX_TOLD) {
			printf("%s: %zu bytes at %zu are ", file->name, end - first, offset + first);
			name_owner(data + first, offset + first, end - first);
			printf(", not ");
			name_owner(model + first, offset + first, end - first);
			printf("\n");
		}
		end = MIN(length, (offset + end + PAGE - 1) / PAGE * PAGE - offset);
	}
	return differs;
}

static bool read_differs(const struct file *file, size_t offset, size_t length, int64_t *result)
{
	unsigned int told = 0;
	bool differs = false;
	size_t end = offset + length;

	for (; offset < end; offset += *result) {
		*result = pread(file->fd, scratch, MIN(end - offset, 4 * MIB), offset);
		if (*result <= 0) {
			*result = *result ? -errno : -ENODATA;
			return differs;
		}
		if (memcmp(scratch, file->model + offset, *result))
			differs |= tell_difference(file, scratch, offset, *result, &told);
	}
	*result = length;
	return differs;
}

static struct file *find_file(const char *name)
{
	struct file *file;

	for (file = files; file < files + nr_files; file++) {
		if (!strcmp(file->name, name))
			return file;
	}
	if (nr_files == MAX_FILES || strlen(name) >= sizeof(file->name))
		errx(EXIT_FAILED, "%s: too many files, or too long a name", name);
	nr_files++;
	strcpy(file->name, name);
	file->fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (file->fd < 0)
		err(EXIT_FAILED, "%s", name);
	file->size = 0;
	file->model = reserve_memory();
	return file;
}

static int64_t result_of(int64_t result)
{
	return result < 0 ? -errno : result;
}

static void note_written(struct file *file, size_t offset, const void *data, int64_t length)
{
	if (length <= 0)
		return;
	memcpy(file->model + offset, data, length);
	file->size = MAX(file->size, offset + length);
}

static void note_zeroes(struct file *file, size_t offset, size_t length)
{
	memset(file->model + offset, 0, length);
	file->size = MAX(file->size, offset + length);
}

/* Returns less than what was asked for as an error: what is there for the rest must be old. */
static int64_t write_pattern(struct file *file, int fd, size_t offset, size_t length)
{
	int64_t result;

	fill_pattern(scratch, offset, length, step_number);
	result = result_of(pwrite(fd, scratch, length, offset));
	note_written(file, offset, scratch, result);
	return result;
}

struct step {
	struct file *file, *other;
	size_t offset, length, other_offset;
};

static int64_t do_write(const struct step *step)
{
	return write_pattern(step->file, step->file->fd, step->offset, step->length);
}

static int64_t do_direct(const struct step *step)
{
	int fd = open(step->file->name, O_RDWR | O_DIRECT);
	int64_t result;

	if (fd < 0)
		return -errno;
	result = write_pattern(step->file, fd, step->offset, step->length);
	close(fd);
	return result;
}

static int64_t do_store(const struct step *step)
{
	/* all of it, so that pages of 2 MiB are possible */
	unsigned char *map = mmap(NULL, step->file->size, PROT_READ | PROT_WRITE, MAP_SHARED,
				  step->file->fd, 0);

	if (map == MAP_FAILED)
		return -errno;
	fill_pattern(map + step->offset, step->offset, step->length, step_number);
	fill_pattern(step->file->model + step->offset, step->offset, step->length, step_number);
	munmap(map, step->file->size);
	return step->length;
}

static int64_t do_read(const struct step *step)
{
	int64_t result = 0;

	if (read_differs(step->file, step->offset, step->length, &result))
		exit(EXIT_DIFFERS);
	return result;
}

static int64_t do_load(const struct step *step)
{
	struct file *file = step->file;
	unsigned int told = 0;
	unsigned char *map = mmap(NULL, file->size, PROT_READ, MAP_SHARED, file->fd, 0);

	if (map == MAP_FAILED)
		return -errno;
	if (tell_difference(file, map, 0, file->size, &told))
		exit(EXIT_DIFFERS);
	munmap(map, file->size);
	return file->size;
}

static int64_t do_check(const struct step *step)
{
	const struct file *file;
	bool differs = false;
	int64_t result = 0;
	struct stat stat;

	(void)step;
	for (file = files; file < files + nr_files && result >= 0; file++) {
		if (fstat(file->fd, &stat))
			return -errno;
		if ((size_t)stat.st_size != file->size) {
			printf("%s: has %jd bytes, not %zu\n", file->name, (intmax_t)stat.st_size,
			       file->size);
			differs = true;
		}
		differs |= read_differs(file, 0, MIN(file->size, (size_t)stat.st_size), &result);
	}
	if (differs)
		exit(EXIT_DIFFERS);
	return result;
}

static int64_t do_clone(const struct step *step)
{
	struct file *old = step->file, *new = step->other;

	if (ftruncate(new->fd, 0) || ioctl(new->fd, FICLONE, old->fd))
		return -errno;
	memcpy(new->model, old->model, old->size);
	if (new->size > old->size)
		memset(new->model + old->size, 0, new->size - old->size);
	new->size = old->size;
	return 0;
}

static int64_t do_copy(const struct step *step)
{
	const unsigned char *data = step->file->model + step->offset;
	int64_t result = result_of(pwrite(step->other->fd, data, step->length, step->other_offset));

	note_written(step->other, step->other_offset, data, result);
	return result;
}

static int64_t do_dedupe(const struct step *step)
{
	struct {
		struct file_dedupe_range range;
		struct file_dedupe_range_info info;
	} order = {
		.range = { .src_offset = step->offset, .src_length = step->length,
			   .dest_count = 1 },
		.info = { .dest_fd = step->other->fd, .dest_offset = step->other_offset },
	};
	bool same = !memcmp(step->file->model + step->offset,
			    step->other->model + step->other_offset, step->length);

	if (ioctl(step->file->fd, FIDEDUPERANGE, &order))
		return -errno;
	if (order.info.status < 0)
		return order.info.status;
	if (order.info.status == FILE_DEDUPE_RANGE_SAME &&
	    order.info.bytes_deduped != step->length)
		return order.info.bytes_deduped;
	printf("%s\n", order.info.status == FILE_DEDUPE_RANGE_SAME ? "same" : "differs");
	if (same != (order.info.status == FILE_DEDUPE_RANGE_SAME)) {
		printf("dedupe: %s and %s %s\n", step->file->name, step->other->name,
		       same ? "are the same" : "differ");
		exit(EXIT_DIFFERS);
	}
	return step->length;
}

static int64_t allocate(const struct step *step, int mode)
{
	return result_of(fallocate(step->file->fd, mode, step->offset, step->length));
}

static int64_t do_reserve(const struct step *step)
{
	int64_t result = allocate(step, 0);

	if (!result)
		step->file->size = MAX(step->file->size, step->offset + step->length);
	return result;
}

static int64_t do_unshare(const struct step *step)
{
	return allocate(step, FALLOC_FL_UNSHARE_RANGE | FALLOC_FL_KEEP_SIZE);
}

static int64_t do_zero(const struct step *step)
{
	int64_t result = allocate(step, FALLOC_FL_ZERO_RANGE);

	if (!result)
		note_zeroes(step->file, step->offset, step->length);
	return result;
}

static int64_t do_punch(const struct step *step)
{
	int64_t result = allocate(step, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE);

	if (!result && step->offset < step->file->size)
		note_zeroes(step->file, step->offset,
			    MIN(step->length, step->file->size - step->offset));
	return result;
}

static int64_t do_truncate(const struct step *step)
{
	struct file *file = step->file;

	if (ftruncate(file->fd, step->length))
		return -errno;
	if (file->size > step->length)
		memset(file->model + step->length, 0, file->size - step->length);
	file->size = step->length;
	return 0;
}

static int64_t do_sync(const struct step *step)
{
	return result_of(fsync(step->file->fd));
}

/* Takes each block of the file for what it is, if it is the old or the new one. */
static bool take_either(struct file *file, size_t offset, const unsigned char *new, size_t length)
{
	size_t end = MIN((offset + length + PAGE - 1) / PAGE * PAGE, file->size), at, from, to;
	unsigned char block[PAGE], changed[PAGE];
	unsigned int told = 0, nr_new = 0;
	bool differs = false;

	for (at = offset / PAGE * PAGE; at < end; at += PAGE) {
		size_t size = MIN(end - at, PAGE);

		if (pread(file->fd, block, size, at) != (ssize_t)size)
			err(EXIT_FAILED, "%s at %zu", file->name, at);
		from = MAX(offset, at);
		to = MIN(offset + length, at + size);
		memcpy(changed, file->model + at, size);
		memcpy(changed + from - at, new + from - offset, to - from);
		if (!memcmp(block, changed, size)) {
			memcpy(file->model + at, changed, size);
			nr_new++;
		} else {
			differs |= memcmp(block, file->model + at, size) &&
				   tell_difference(file, block, at, size, &told);
		}
	}
	printf("%u new\n", nr_new);
	return differs;
}

static int64_t do_kill(const struct step *step)
{
	int status;
	pid_t pid;

	fill_pattern(scratch, step->offset, step->length, step_number);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		if (pwrite(step->file->fd, scratch, step->length, step->offset) < 0)
			_exit(EXIT_FAILED);
		_exit(EXIT_SUCCESS);
	}
	usleep(step->other_offset);
	kill(pid, SIGKILL);
	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	if (WIFEXITED(status) && WEXITSTATUS(status))
		return -EIO;
	if (take_either(step->file, step->offset, scratch, step->length))
		exit(EXIT_DIFFERS);
	return 0;
}

static uint64_t random_number(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* One of a crowd; what it may have to report is the errno of a write. */
static int crowd_member(const struct step *step, unsigned int number)
{
	unsigned int first_step = step_number + 1;
	uint64_t state = UINT64_C(0x9e3779b97f4a7c15) * (number + 1);
	struct file *file = step->file;
	unsigned int round;
	size_t offset, length;
	int64_t result;
	char name[32];

	snprintf(name, sizeof(name), "crowd-%u", number);
	result = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (result < 0 || ioctl(result, FICLONE, file->fd))
		return errno;
	file->fd = result;
	strcpy(file->name, name);
	for (round = 0; round < step->length; round++) {
		offset = random_number(&state) % file->size;
		length = 1 + random_number(&state) % step->other_offset;
		length = MIN(length, file->size - offset);
		step_number = first_step + number * MAX_ROUNDS + round;
		result = write_pattern(file, file->fd, offset, length);
		if (result < 0)
			return -result;
		if ((size_t)result < length)
			return EIO;
		if (read_differs(file, 0, file->size, &result))
			return 255;
		if (result < 0)
			return -result;
	}
	return 0;
}

static int64_t do_crowd(const struct step *step)
{
	unsigned int number, nr_processes = step->offset;
	int64_t result = 0;
	int status;

	fflush(stdout);
	for (number = 0; number < nr_processes; number++) {
		pid_t pid = fork();

		if (pid < 0)
			err(EXIT_FAILED, "process %u", number);
		if (!pid) {
			status = crowd_member(step, number);
			fflush(stdout);
			_exit(status);
		}
	}
	for (; nr_processes; nr_processes--) {
		if (wait(&status) < 0)
			err(EXIT_FAILED, "wait");
		if (!WIFEXITED(status))
			errx(EXIT_FAILED, "one of the crowd died of signal %d", WTERMSIG(status));
		if (WEXITSTATUS(status) == 255)
			result = -EILSEQ;
		else if (WEXITSTATUS(status) && result != -EILSEQ)
			result = -WEXITSTATUS(status);
	}
	if (result == -EILSEQ)
		exit(EXIT_DIFFERS);
	return result;
}

static int64_t do_hog(const struct step *step)
{
	size_t kib = 0, at, taken;
	unsigned char *memory;
	char line[120], c;
	int pipes[2];
	FILE *info;

	info = fopen("/proc/meminfo", "r");
	if (!info || pipe(pipes))
		return -errno;
	while (fgets(line, sizeof(line), info)) {
		if (sscanf(line, "MemAvailable: %zu", &kib) == 1)
			break;
	}
	fclose(info);
	if (kib * 1024 <= step->length)
		return -ENOMEM;
	taken = kib * 1024 - step->length;
	if (!fork()) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		memory = mmap(NULL, taken, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			      0);
		for (at = 0; memory != MAP_FAILED && at < taken; at += PAGE)
			memory[at] = 1;
		if (memory == MAP_FAILED || write(pipes[1], "", 1) != 1)
			_exit(EXIT_FAILED);
		pause();
	}
	close(pipes[1]);
	at = read(pipes[0], &c, 1);
	close(pipes[0]);
	return at == 1 ? (int64_t)taken : -ENOMEM;
}

static int64_t do_mark(const struct step *step)
{
	(void)step;
	printf("mark\n");
	return 0;
}

/* Each letter is a word: f(ile), o(ther file), p(lace in the file), l(ength), q: place in other. */
static const struct command {
	const char *name;
	const char *words;
	int64_t (*run)(const struct step *step);
} commands[] = {
	{ "write", "fpl", do_write },
	{ "direct", "fpl", do_direct },
	{ "store", "fpl", do_store },
	{ "read", "fpl", do_read },
	{ "load", "f", do_load },
	{ "check", "", do_check },
	{ "clone", "fo", do_clone },
	{ "copy", "fploq", do_copy },
	{ "dedupe", "fploq", do_dedupe },
	{ "reserve", "fpl", do_reserve },
	{ "unshare", "fpl", do_unshare },
	{ "zero", "fpl", do_zero },
	{ "punch", "fpl", do_punch },
	{ "truncate", "fl", do_truncate },
	{ "sync", "f", do_sync },
	{ "kill", "fplq", do_kill },
	{ "crowd", "fplq", do_crowd },
	{ "hog", "l", do_hog },
	{ "mark", "", do_mark },
};

static size_t parse_number(const char *word)
{
	char *end;
	unsigned long long number = strtoull(word, &end, 0);

	if (!*word || *end || number >= ROOM)
		errx(EXIT_FAILED, "step %u: %s is no number below %lu", step_number, word, ROOM);
	return number;
}

static int64_t run_step(char **words)
{
	struct step step = { 0 };
	const struct command *command;
	const char *kind;

	for (command = commands; command < commands + ARRAY_SIZE(commands); command++) {
		if (!strcmp(command->name, *words))
			break;
	}
	if (command == commands + ARRAY_SIZE(commands))
		errx(EXIT_FAILED, "step %u: no such step: %s", step_number, *words);
	for (kind = command->words; *kind; kind++) {
		if (!*++words)
			errx(EXIT_FAILED, "step %u: %s wants more words", step_number,
			     command->name);
		switch (*kind) {
		case 'f':
			step.file = find_file(*words);
			break;
		case 'o':
			step.other = find_file(*words);
			break;
		case 'p':
			step.offset = parse_number(*words);
			break;
		case 'l':
			step.length = parse_number(*words);
			break;
		case 'q':
			step.other_offset = parse_number(*words);
			break;
		}
	}
	return command->run(&step);
}

/* Whether a result is less than what was asked for: only those that move data return a length. */
static bool is_short(char **words, int64_t result)
{
	static const char * const moving[] = { "write", "direct", "store", "read", "copy",
						"dedupe" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(moving); i++) {
		if (!strcmp(words[0], moving[i]))
			return result != (int64_t)parse_number(words[3]);
	}
	return false;
}

static void take_step(char *line)
{
	char *words[MAX_WORDS + 2] = { 0 };
	unsigned int nr = 0, skip = 0;
	bool must = false, may = false;
	int64_t result;
	char *word;

	for (word = strtok(line, " \n"); word && nr < MAX_WORDS; word = strtok(NULL, " \n"))
		words[nr++] = word;
	if (!nr)
		return;
	must = !strcmp(words[0], "fails");
	may = !strcmp(words[0], "may");
	skip = must || may;
	if (!words[skip])
		errx(EXIT_FAILED, "step %u: which?", step_number);

	result = run_step(words + skip);
	if (may || must)
		printf("%s %" PRId64 " %s\n", words[skip], result,
		       result < 0 ? strerrorname_np(-result) : "ok");
	if (must && result >= 0 && !is_short(words + skip, result))
		errx(EXIT_FAILED, "step %u: %s has not failed", step_number, words[skip]);
	if (!must && !may && (result < 0 || is_short(words + skip, result)))
		errx(EXIT_FAILED, "step %u: %s %s: %s", step_number, words[0],
		     words[1] ? words[1] : "",
		     result < 0 ? strerror(-result) : "did less than it should");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	char line[200];

	if (argc != 2 && argc != 3)
		errx(EXIT_FAILED, "one folder, please");
	if (argc == 3)
		step_number = parse_number(argv[2]);
	if (chdir(argv[1]))
		err(EXIT_FAILED, "%s", argv[1]);
	scratch = reserve_memory();
	while (fgets(line, sizeof(line), stdin)) {
		step_number++;
		take_step(line);
	}
	return EXIT_SUCCESS;
}
