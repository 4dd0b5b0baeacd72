/* SPDX-License-Identifier: Apache-2.0 */
/* buf: growing bytes, whole reads and whole writes. */
#include "buf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arena.h"
#include "err.h"

void mk_buf_init(struct mk_buf *b, struct mk_arena *a)
{
	*b = (struct mk_buf){.arena = a};
}

char *mk_buf_room(struct mk_buf *b, size_t n)
{
	size_t want = b->cap ? b->cap : 256;

	if (b->cap - b->len >= n)
		return b->data + b->len;
	while (want - b->len < n && want <= SIZE_MAX / 4)
		want *= 2;
	if (want - b->len < n)
		want = SIZE_MAX; /* the arena calls it out of memory */
	b->data = mk_arena_grow(b->arena, b->data, b->cap, want);
	b->cap = want;
	return b->data + b->len;
}

void mk_buf_add(struct mk_buf *b, const void *bytes, size_t n)
{
	if (!n)
		return;
	memcpy(mk_buf_room(b, n), bytes, n);
	b->len += n;
}

void mk_buf_str(struct mk_buf *b, const char *s)
{
	mk_buf_add(b, s, strlen(s));
}

void mk_buf_char(struct mk_buf *b, char c)
{
	*mk_buf_room(b, 1) = c;
	b->len++;
}

void mk_buf_fmt(struct mk_buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n <= 0)
		return;
	mk_buf_room(b, (size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

void mk_buf_u64(struct mk_buf *b, uint64_t v)
{
	char tmp[20];
	size_t i = sizeof(tmp);

	do {
		tmp[--i] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	mk_buf_add(b, tmp + i, sizeof(tmp) - i);
}

void mk_buf_hex(struct mk_buf *b, uint64_t v)
{
	char tmp[18];
	size_t i = sizeof(tmp);

	do {
		tmp[--i] = "0123456789abcdef"[v & 15];
		v >>= 4;
	} while (v);
	tmp[--i] = 'x';
	tmp[--i] = '0';
	mk_buf_add(b, tmp + i, sizeof(tmp) - i);
}

void mk_buf_be32(struct mk_buf *b, uint32_t v)
{
	char *p = mk_buf_room(b, 4);

	for (int i = 3; i >= 0; i--, v >>= 8)
		p[i] = (char)(v & 0xff);
	b->len += 4;
}

void mk_buf_be64(struct mk_buf *b, uint64_t v)
{
	mk_buf_be32(b, (uint32_t)(v >> 32));
	mk_buf_be32(b, (uint32_t)v);
}

char *mk_buf_cstr(const struct mk_buf *b)
{
	return mk_arena_strn(b->arena, b->data, b->len);
}

int mk_buf_read(struct mk_buf *b, int fd, const char *name, size_t max, struct mk_err *err)
{
	size_t begin = b->len, want = 65536;
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
	    (uintmax_t)st.st_size < max)
		want = (size_t)st.st_size + 1;
	for (;;) {
		ssize_t got;

		mk_buf_room(b, want);
		got = read(fd, b->data + b->len, b->cap - b->len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return mk_fail(err, MK_SYS, "cannot read %s: %s", name, strerror(errno));
		if (got == 0)
			return MK_OK;
		b->len += (size_t)got;
		if (b->len - begin > max)
			return mk_fail(err, MK_BAD, "%s is larger than %zu bytes", name, max);
		want = 1;
	}
}

int mk_buf_read_file(struct mk_buf *b, const char *path, size_t max, struct mk_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return mk_fail(err, MK_SYS, "cannot open %s: %s", path, strerror(errno));
	rc = mk_buf_read(b, fd, path, max, err);
	close(fd);
	return rc;
}

/* Moves to off; a pipe is read up to there. */
static int skip(int fd, const char *path, uint64_t off, struct mk_err *err)
{
	char rest[65536];

	if (!off || (off <= INT64_MAX && lseek(fd, (off_t)off, SEEK_SET) >= 0))
		return MK_OK;
	while (off) {
		ssize_t got = read(fd, rest, off < sizeof(rest) ? (size_t)off : sizeof(rest));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return mk_fail(err, MK_SYS, "cannot read %s: %s", path, strerror(errno));
		if (got == 0)
			break;
		off -= (size_t)got;
	}
	return MK_OK;
}

int mk_buf_read_part(struct mk_buf *b, const char *path, uint64_t off, uint64_t len, size_t max,
		     struct mk_err *err)
{
	int fd, rc;

	if (len > max)
		return mk_fail(err, MK_BAD, "%s: more than %zu bytes are asked for", path, max);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return mk_fail(err, MK_SYS, "cannot open %s: %s", path, strerror(errno));
	rc = skip(fd, path, off, err);
	while (!rc && len) {
		ssize_t got;

		mk_buf_room(b, len < 65536 ? (size_t)len : 65536);
		got = read(fd, b->data + b->len, len < 65536 ? (size_t)len : 65536);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			rc = mk_fail(err, MK_SYS, "cannot read %s: %s", path, strerror(errno));
		if (got <= 0)
			break;
		b->len += (size_t)got;
		len -= (uint64_t)got;
	}
	close(fd);
	return rc;
}

int mk_write_all(int fd, const void *data, size_t len, const char *name, struct mk_err *err)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return mk_fail(err, MK_SYS, "cannot write %s: %s", name, strerror(errno));
		p += n;
		len -= (size_t)n;
	}
	return MK_OK;
}
