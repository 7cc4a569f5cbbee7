// SPDX-License-Identifier: GPL-2.0
/* The active logical volumes, and what the udev rule has done with them. */
#include "util/alloc.h"
#include "device/attach.h"
#include "util/columns.h"
#include "util/json.h"
#include "lvm/volume.h"
#include "lvm/convert.h"
#include "lvm/show.h"
#include "util/say.h"
#include "sys/sysfs.h"

/* The disks that a volume is attached to, in one word. */
char *attached_text(dev_t dev)
{
	struct attached *attached;
	size_t nr = attached_read(dev, &attached), i;
	char *text = copy_text(nr ? attached[0].child : "-"), *longer;

	for (i = 1; i < nr; i++) {
		longer = format_text("%s,%s", text, attached[i].child);
		free(text);
		text = longer;
	}
	attached_free(attached, nr);
	return text;
}

static void add_row(struct columns *columns, const struct volume *volume,
		    const struct lvm_conf *conf)
{
	char *attached = attached_text(volume->mapped.dev);

	columns_row(columns, "%s\t%s\t%s\t%s\t%s", volume->name,
		    block_has_dax(volume->mapped.dev) ? "yes" : "no", attached,
		    is_converted(volume) ? "yes" : "no",
		    globs_match(&conf->convert, volume->name) ? "converted" :
		    globs_match(&conf->attach, volume->name) ? "attached" : "-");
	free(attached);
}

static void add_json(struct json_object *list, const struct volume *volume,
		     const struct lvm_conf *conf)
{
	struct json_object *json = new_object(), *children;
	dev_t dev = volume->mapped.dev;
	struct attached *attached;
	size_t nr = attached_read(dev, &attached), i;

	put_text(json, "volume", volume->name);
	put_bool(json, "dax", block_has_dax(dev));
	children = put_array(json, "attached");
	for (i = 0; i < nr; i++)
		add_text(children, attached[i].child);
	put_bool(json, "converted", is_converted(volume));
	put_bool(json, "attach_wanted", globs_match(&conf->attach, volume->name));
	put_bool(json, "convert_wanted", globs_match(&conf->convert, volume->name));
	add_object(list, json);
	attached_free(attached, nr);
}

int lvm_status(bool json)
{
	struct json_object *object = new_object(), *list;
	struct columns columns = { .align = "lllll" };
	struct volume *volumes;
	struct lvm_conf conf;
	size_t nr, i;

	lvm_conf_read(&conf);
	nr = volumes_read(&volumes);
	list = put_array(object, "volumes");
	columns_row(&columns, "volume\tdax\tattached to\tconverted\twanted");
	for (i = 0; i < nr; i++) {
		if (json)
			add_json(list, &volumes[i], &conf);
		else
			add_row(&columns, &volumes[i], &conf);
	}
	if (json)
		json_print(object);
	else
		columns_print(&columns);
	return EXIT_DONE;
}
