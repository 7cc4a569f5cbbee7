/* SPDX-License-Identifier: GPL-2.0 */
/* JSON, written and read. No other file uses json-c. */
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;

struct json_object *new_object(void);
void put_text(struct json_object *object, const char *key, const char *text);
void put_number(struct json_object *object, const char *key, uint64_t number);
void put_bool(struct json_object *object, const char *key, bool value);
struct json_object *put_array(struct json_object *object, const char *key);
void add_object(struct json_object *array, struct json_object *object);
void add_text(struct json_object *array, const char *text);
void json_print(struct json_object *object);
void json_print_line(struct json_object *object);
const char *json_text(struct json_object *object);
void json_free(struct json_object *object);

struct json_object *json_parse(const char *text);
const char *get_text(struct json_object *object, const char *key);
bool get_number(struct json_object *object, const char *key, uint64_t *number);
bool get_bool(struct json_object *object, const char *key);
struct json_object *get_array(struct json_object *object, const char *key);
size_t array_length(struct json_object *array);
struct json_object *array_object(struct json_object *array, size_t number);
const char *array_text(struct json_object *array, size_t number);
void array_remove(struct json_object *array, struct json_object *object);

#endif
