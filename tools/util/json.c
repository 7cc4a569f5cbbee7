// SPDX-License-Identifier: GPL-2.0
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "util/alloc.h"
#include "util/json.h"

/* The length in bytes of the UTF-8 character that starts here, 0 if none does. */
static int letter_length(const unsigned char *text)
{
	int length = *text < 0x80 ? 1 : *text >= 0xc2 && *text < 0xe0 ? 2 :
		     *text >= 0xe0 && *text < 0xf0 ? 3 : *text >= 0xf0 && *text < 0xf5 ? 4 : 0, i;

	for (i = 1; i < length; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

/* NULL for NULL.  JSON must be UTF-8 and a file name need not be: its other bytes become '?'. */
static struct json_object *new_text(const char *text)
{
	struct json_object *value;
	char *clean, *out;

	if (!text)
		return NULL;
	clean = copy_text(text);
	out = clean;
	while (*text) {
		int length = letter_length((const unsigned char *)text);

		if (!length) {
			*out++ = '?';
			text++;
		}
		memcpy(out, text, length);
		out += length;
		text += length;
	}
	*out = '\0';
	value = json_object_new_string(clean);
	free(clean);
	return value;
}

struct json_object *new_object(void)
{
	return json_object_new_object();
}

/* Add a text, null if @text is NULL. */
void put_text(struct json_object *object, const char *key, const char *text)
{
	json_object_object_add(object, key, new_text(text));
}

void put_number(struct json_object *object, const char *key, uint64_t number)
{
	json_object_object_add(object, key, json_object_new_uint64(number));
}

void put_bool(struct json_object *object, const char *key, bool value)
{
	json_object_object_add(object, key, json_object_new_boolean(value));
}

/* Add an empty array, and return it. */
struct json_object *put_array(struct json_object *object, const char *key)
{
	struct json_object *array = json_object_new_array();

	json_object_object_add(object, key, array);
	return array;
}

void add_object(struct json_object *array, struct json_object *object)
{
	json_object_array_add(array, object);
}

void add_text(struct json_object *array, const char *text)
{
	json_object_array_add(array, new_text(text));
}

/* An object as text with indentation, which is valid until the object changes. */
const char *json_text(struct json_object *object)
{
	return json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY |
					      JSON_C_TO_STRING_SPACED |
					      JSON_C_TO_STRING_NOSLASHESCAPE);
}

/* Print an object with indentation, and free it. */
void json_print(struct json_object *object)
{
	puts(json_text(object));
	json_object_put(object);
}

/* Print an object on one line. */
void json_print_line(struct json_object *object)
{
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_NOSLASHESCAPE));
}

void json_free(struct json_object *object)
{
	json_object_put(object);
}

/* Read a text that is one object and nothing else; NULL if it is not. */
struct json_object *json_parse(const char *text)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *object;

	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	object = json_tokener_parse_ex(tokener, text, strlen(text) + 1);
	if (json_tokener_get_error(tokener) != json_tokener_success ||
	    !json_object_is_type(object, json_type_object)) {
		json_object_put(object);
		object = NULL;
	}
	json_tokener_free(tokener);
	return object;
}

/* NULL if it is missing, null or no text. */
const char *get_text(struct json_object *object, const char *key)
{
	struct json_object *value = json_object_object_get(object, key);

	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

/* False if it is missing or no number from 0 to 2^64 - 1. */
bool get_number(struct json_object *object, const char *key, uint64_t *number)
{
	struct json_object *value = json_object_object_get(object, key);

	if (!json_object_is_type(value, json_type_int) || json_object_get_int64(value) < 0)
		return false;
	*number = json_object_get_uint64(value);
	return true;
}

/* False if it is missing, too. */
bool get_bool(struct json_object *object, const char *key)
{
	struct json_object *value = json_object_object_get(object, key);

	return json_object_is_type(value, json_type_boolean) && json_object_get_boolean(value);
}

/* NULL if it is missing or no array. */
struct json_object *get_array(struct json_object *object, const char *key)
{
	struct json_object *value = json_object_object_get(object, key);

	return json_object_is_type(value, json_type_array) ? value : NULL;
}

size_t array_length(struct json_object *array)
{
	return json_object_array_length(array);
}

/* NULL if it is no object. */
struct json_object *array_object(struct json_object *array, size_t number)
{
	struct json_object *value = json_object_array_get_idx(array, number);

	return json_object_is_type(value, json_type_object) ? value : NULL;
}

/* NULL if there is none, or it is no text. */
const char *array_text(struct json_object *array, size_t number)
{
	struct json_object *value = json_object_array_get_idx(array, number);

	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

void array_remove(struct json_object *array, struct json_object *object)
{
	size_t i;

	for (i = 0; i < json_object_array_length(array); i++)
		if (json_object_array_get_idx(array, i) == object) {
			json_object_array_del_idx(array, i, 1);
			return;
		}
}
