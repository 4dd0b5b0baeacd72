/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf: bytes that grow, in an arena; reading all of a descriptor; writing all
 * of a buffer. Not a stream.
 */
#ifndef MK_BUF_H
#define MK_BUF_H

#include <stddef.h>
#include <stdint.h>

struct mk_arena;
struct mk_err;

struct mk_buf {
	struct mk_arena *arena;
	char *data; /* len bytes; not NUL-terminated */
	size_t len, cap;
};

void mk_buf_init(struct mk_buf *b, struct mk_arena *a);

/* Room for n more bytes; returns where they go. The caller adds to len. */
char *mk_buf_room(struct mk_buf *b, size_t n);

void mk_buf_add(struct mk_buf *b, const void *bytes, size_t n);
void mk_buf_str(struct mk_buf *b, const char *s);
void mk_buf_char(struct mk_buf *b, char c);
void mk_buf_fmt(struct mk_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void mk_buf_u64(struct mk_buf *b, uint64_t v); /* decimal */
void mk_buf_hex(struct mk_buf *b, uint64_t v); /* 0x..., lower case, no leading zeros */
void mk_buf_be32(struct mk_buf *b, uint32_t v);
void mk_buf_be64(struct mk_buf *b, uint64_t v);

/* A NUL-terminated copy of what the buffer holds, in its arena. */
char *mk_buf_cstr(const struct mk_buf *b);

/*
 * Appends all that fd gives until its end. name is for messages. MK_SYS when
 * a read fails, MK_BAD above max bytes.
 */
int mk_buf_read(struct mk_buf *b, int fd, const char *name, size_t max, struct mk_err *err);

/* Appends a whole file. MK_SYS when it cannot be opened or read. */
int mk_buf_read_file(struct mk_buf *b, const char *path, size_t max, struct mk_err *err);

/*
 * The same for the bytes from off on, len of them; fewer when the file ends
 * before. Nothing behind them is read.
 */
int mk_buf_read_part(struct mk_buf *b, const char *path, uint64_t off, uint64_t len, size_t max,
		     struct mk_err *err);

/* Writes len bytes to fd, however many calls that takes. MK_SYS on failure. */
int mk_write_all(int fd, const void *data, size_t len, const char *name, struct mk_err *err);

#endif
