/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lines: a tree as text, one fact a line, for grep, diff and sort; and as JSON
 * for jq. Values are in DTS syntax.
 *
 *     /memreserve/ 0x1000 0x2000
 *     /boot-cpuid/ 0
 *     /
 *     /:compatible="a", "b"
 *     /cpus
 *     /cpus:total=<0x20>
 */
#ifndef MK_LINES_H
#define MK_LINES_H

#include "tree.h"

struct mk_buf;

void mk_lines_print(struct mk_buf *b, struct mk_tree *t);

/*
 * Reads what mk_lines_print wrote, in any order in which a node's line comes
 * before those of its properties and children; lines that begin with '#' and
 * blank ones are skipped. MK_BAD with line and column.
 */
int mk_lines_parse(struct mk_tree *t, const struct mk_file *src, struct mk_err *err);

/*
 * {"memreserve":[["0x..","0x.."]],"boot-cpuid":0,"/":{...}}: a node is an
 * object of its properties and child nodes; a value is true (empty), an array
 * of strings, an array of numbers (cells) or {"bytes":"00ff"}. A child that
 * has the name of a property of the same node gets a '/' behind its name.
 */
void mk_tree_json(struct mk_buf *b, struct mk_tree *t);

#endif
