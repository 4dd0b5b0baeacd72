/* SPDX-License-Identifier: Apache-2.0 */
/* json: a writer that cannot be talked into writing something else. */
#include "json.h"

#include <string.h>

#include "utf8.h"

void mk_json_string(struct mk_buf *b, const char *s, size_t len)
{
	mk_buf_char(b, '"');
	for (size_t i = 0; i < len;) {
		unsigned char c = (unsigned char)s[i];
		size_t n = mk_utf8_len(s + i, len - i);

		if (c == '"' || c == '\\') {
			mk_buf_char(b, '\\');
			mk_buf_char(b, (char)c);
		} else if (c < 0x20 || c == 0x7f) {
			mk_buf_fmt(b, "\\u%04x", c);
		} else if (n == 2 && mk_utf8_unseen(s + i, n)) {
			mk_buf_fmt(b, "\\u%04x", (unsigned char)s[i + 1]); /* C1 controls */
		} else if (n == 3 && mk_utf8_unseen(s + i, n)) {
			mk_buf_fmt(b, "\\u%04x", (c & 15u) << 12 |
							  ((unsigned char)s[i + 1] & 63u) << 6 |
							  ((unsigned char)s[i + 2] & 63u));
		} else if (n) {
			mk_buf_add(b, s + i, n);
		} else {
			mk_buf_str(b, "\\ufffd");
		}
		i += n ? n : 1;
	}
	mk_buf_char(b, '"');
}

static void item(struct mk_json *j)
{
	if (j->comma)
		mk_buf_char(j->b, ',');
	j->comma = true;
}

void mk_json_open(struct mk_json *j, char c)
{
	item(j);
	mk_buf_char(j->b, c);
	j->comma = false;
}

void mk_json_close(struct mk_json *j, char c)
{
	mk_buf_char(j->b, c);
	j->comma = true;
}

void mk_json_key(struct mk_json *j, const char *key)
{
	item(j);
	mk_json_string(j->b, key, strlen(key));
	mk_buf_char(j->b, ':');
	j->comma = false;
}

void mk_json_str(struct mk_json *j, const char *s)
{
	item(j);
	mk_json_string(j->b, s, strlen(s));
}

void mk_json_u64(struct mk_json *j, uint64_t v)
{
	item(j);
	mk_buf_u64(j->b, v);
}

void mk_json_hex(struct mk_json *j, uint64_t v)
{
	item(j);
	mk_buf_char(j->b, '"');
	mk_buf_hex(j->b, v);
	mk_buf_char(j->b, '"');
}

void mk_json_bool(struct mk_json *j, bool v)
{
	item(j);
	mk_buf_str(j->b, v ? "true" : "false");
}
