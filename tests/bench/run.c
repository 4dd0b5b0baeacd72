/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run: runs a command several times, standard input and output on /dev/null,
 * and prints the median wall time and the peak memory. Not for CPU time.
 *
 *     run COUNT COMMAND...      prints "MEDIAN_US MIN_US PEAK_KIB"; status 1 when COMMAND failed
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static int by_value(const void *a, const void *b)
{
	long x = *(const long *)a, y = *(const long *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	posix_spawn_file_actions_t files;
	long *us, peak_kib = 0;
	int count = argc > 2 ? atoi(argv[1]) : 0;

	if (count < 1) {
		fputs("usage: run COUNT COMMAND...\n", stderr);
		return 2;
	}
	us = calloc((size_t)count, sizeof(*us));
	if (!us || posix_spawn_file_actions_init(&files) ||
	    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0) ||
	    posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0))
		return 2;
	for (int i = 0; i < count; i++) {
		struct timespec begin, end;
		struct rusage used;
		int status, rc;
		pid_t pid;

		clock_gettime(CLOCK_MONOTONIC, &begin);
		rc = posix_spawnp(&pid, argv[2], &files, NULL, argv + 2, environ);
		if (rc) {
			fprintf(stderr, "run: cannot run %s: %s\n", argv[2], strerror(rc));
			return 2;
		}
		while (wait4(pid, &status, 0, &used) < 0)
			if (errno != EINTR)
				return 2;
		clock_gettime(CLOCK_MONOTONIC, &end);
		if (status)
			return 1;
		us[i] = (end.tv_sec - begin.tv_sec) * 1000000 +
			(end.tv_nsec - begin.tv_nsec) / 1000;
		if (used.ru_maxrss > peak_kib)
			peak_kib = used.ru_maxrss;
	}
	qsort(us, (size_t)count, sizeof(*us), by_value);
	printf("%ld %ld %ld\n", us[count / 2], us[0], peak_kib);
	free(us);
	return 0;
}
