# mktools: GNU make 4.0 or newer. See README.md for what to run.
#
#   make             programs in build/bin
#   make static      static programs in build-static/bin (musl)
#   make check       all tests
#   make demo bench fuzz lint check-dtbs install uninstall dist clean
#
# Respected: CC CFLAGS CPPFLAGS LDFLAGS LDLIBS DESTDIR PREFIX MUSL_CC LIBFDT_SRC.

VERSION := 0.1.0

PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR ?= $(PREFIX)/share/man
COMPDIR ?= $(PREFIX)/share/bash-completion/completions
DOCDIR ?= $(PREFIX)/share/doc/mktools

CFLAGS ?= -O2 -g
MUSL_CC ?= musl-gcc
CLANG ?= clang
SCDOC ?= scdoc
INSTALL ?= install

# where this configuration is built; `make static` and the tests set others
B ?= build
STATIC ?=

export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)

LIB_SRC := $(sort $(wildcard lib/*.c))
TOOL_SRC := $(sort $(wildcard tools/mk-*.c))
SIM_SRC := $(sort $(wildcard tools/mk-sim/*.c))
TOOLS := $(TOOL_SRC:tools/%.c=%)
PAGES_SRC := $(sort $(wildcard man/*.scd))
PAGES := $(PAGES_SRC:man/%.scd=%)
COMPLETIONS := $(sort $(wildcard contrib/completion/mk-*))
UNIT_SRC := $(sort $(wildcard tests/unit/*.c))
FUZZ_SRC := $(sort $(wildcard tests/fuzz/*.c))
EXAMPLES := $(sort $(wildcard examples/*.*))
MACHINES := $(sort $(wildcard examples/machines/*.dts))
JQ_FILTERS := $(sort $(wildcard contrib/jq/*.jq))

# ---------------------------------------------------------------- compiling

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes
MK_CPPFLAGS := -D_GNU_SOURCE -DMK_VERSION='"$(VERSION)"' -iquote lib -iquote tools
MK_CFLAGS := -std=c11 $(WARNINGS) -ffile-prefix-map='$(CURDIR)'=. -ffunction-sections \
	-fdata-sections
MK_LDFLAGS := -Wl,--gc-sections

ifdef LIBFDT_SRC
# libfdt from a source folder, for systems without its archive
FDT_SRC := $(addprefix $(LIBFDT_SRC)/,fdt.c fdt_ro.c fdt_wip.c fdt_sw.c fdt_rw.c fdt_strerror.c \
	fdt_empty_tree.c fdt_addresses.c fdt_overlay.c fdt_check.c)
FDT_OBJ := $(FDT_SRC:$(LIBFDT_SRC)/%.c=$(B)/libfdt/%.o)
MK_CPPFLAGS += -isystem $(LIBFDT_SRC)
FDT_LIBS := $(FDT_OBJ)
else ifdef STATIC
# musl's compiler sees neither /usr/include nor the system's libraries: the few
# headers are lent to it by links, the archive is named by its path
MK_CPPFLAGS += -isystem $(B)/include
FDT_LIBS := $(shell $(CC) -print-file-name=libfdt.a)
ifeq ($(FDT_LIBS),libfdt.a)
FDT_LIBS := $(firstword $(wildcard /usr/lib/*/libfdt.a /usr/lib/libfdt.a) libfdt.a)
endif
LENT := $(B)/include/.lent
else
FDT_LIBS := $(shell pkg-config --libs libfdt 2>/dev/null || echo -lfdt)
endif
ifdef STATIC
MK_LDFLAGS += -static
endif

COMPILE = $(CC) $(MK_CPPFLAGS) $(CPPFLAGS) $(MK_CFLAGS) $(CFLAGS) -MMD -MP -c
LINK = $(CC) $(MK_CFLAGS) $(CFLAGS) $(MK_LDFLAGS) $(LDFLAGS)

LIB_OBJ := $(LIB_SRC:%.c=$(B)/%.o)
TOOL_OBJ := $(TOOL_SRC:%.c=$(B)/%.o)
SIM_OBJ := $(SIM_SRC:%.c=$(B)/%.o) $(B)/mk-sim-default.o
UNIT_BIN := $(UNIT_SRC:tests/unit/%.c=$(B)/unit/%)
# what tests need besides: small programs that are no tests
HELPER_BIN := $(patsubst tests/helper/%.c,$(B)/helper/%,$(sort $(wildcard tests/helper/*.c)))

.PHONY: all programs man static check demo bench fuzz fuzz-build fuzz-short lint check-dtbs install \
	uninstall dist clean unit helper FORCE
.SECONDARY:
.DELETE_ON_ERROR:

all: programs man
programs: $(TOOLS:%=$(B)/bin/%)
ifndef STATIC
# mk-sim is a program of its own: libfuse3 is its alone, and it need not be static
ifeq ($(shell pkg-config --exists fuse3 2>/dev/null && echo yes),yes)
TOOLS += mk-sim
programs: $(B)/bin/mk-sim
else
$(info mk-sim is left out: there is no libfuse3 (pkg-config fuse3))
endif
endif
unit: $(UNIT_BIN)
helper: $(HELPER_BIN)

# objects of another compiler or other flags are not reused
FLAGS_NOW := $(CC) $(MK_CPPFLAGS) $(CPPFLAGS) $(MK_CFLAGS) $(CFLAGS) $(MK_LDFLAGS) $(LDFLAGS) $(LDLIBS)
$(B)/flags: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' $(call quote,$(FLAGS_NOW)) | cmp -s - $@ || \
		printf '%s\n' $(call quote,$(FLAGS_NOW)) >$@
quote = '$(subst ','\'',$(1))'

$(B)/include/.lent:
	@mkdir -p $(@D)
	ln -sfn /usr/include/linux $(@D)/linux
	ln -sfn /usr/include/asm-generic $(@D)/asm-generic
	ln -sfn "$$(ls -d /usr/include/*-linux-gnu/asm /usr/include/asm 2>/dev/null | head -n 1)" $(@D)/asm
	ln -sf /usr/include/libfdt.h /usr/include/libfdt_env.h /usr/include/fdt.h $(@D)/
	@touch $@

$(B)/%.o: %.c $(B)/flags $(LENT)
	@mkdir -p $(@D)
	$(COMPILE) -o $@ $<

$(B)/libfdt/%.o: $(LIBFDT_SRC)/%.c $(B)/flags
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -I$(LIBFDT_SRC) -O2 $(CFLAGS) -ffunction-sections -c -o $@ $<

$(B)/libmk.a: $(LIB_OBJ)
	rm -f $@
	$(AR) rcD $@ $^

$(B)/bin/%: $(B)/tools/%.o $(B)/tools/cli.o $(B)/libmk.a $(FDT_OBJ)
	@mkdir -p $(@D)
	$(LINK) -o $@ $(filter-out $(FDT_OBJ),$^) $(FDT_LIBS) $(LDLIBS)

FUSE_CFLAGS := $(patsubst -I%,-isystem %,$(shell pkg-config --cflags fuse3 2>/dev/null))
FUSE_LIBS := $(shell pkg-config --libs fuse3 2>/dev/null || echo -lfuse3)
SIM_CPPFLAGS := -iquote tools/mk-sim $(FUSE_CFLAGS)
$(B)/tools/mk-sim/%.o: MK_CPPFLAGS += $(SIM_CPPFLAGS)

$(B)/bin/mk-sim: $(SIM_OBJ) $(B)/tools/cli.o $(B)/libmk.a $(FDT_OBJ)
	@mkdir -p $(@D)
	$(LINK) -o $@ $(filter-out $(FDT_OBJ),$^) $(FDT_LIBS) $(FUSE_LIBS) -lpthread $(LDLIBS)

# the machine that mk-sim has where none is named, as a string
$(B)/mk-sim-default.c: examples/machines/server.dts
	@mkdir -p $(@D)
	{ echo 'extern const char sim_default_machine[];'; echo 'const char sim_default_machine[] ='; \
		sed 's/\\/\\\\/g; s/"/\\"/g; s/^/	"/; s/$$/\\n"/' $<; echo '	;'; } >$@
$(B)/mk-sim-default.o: $(B)/mk-sim-default.c $(B)/flags
	$(COMPILE) -Wno-overlength-strings -o $@ $<

$(B)/helper/%: tests/helper/%.c $(B)/flags
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE $(CPPFLAGS) $(MK_CFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $<

$(B)/unit/%: $(B)/tests/unit/%.o $(B)/libmk.a $(FDT_OBJ)
	@mkdir -p $(@D)
	$(LINK) -o $@ $(filter-out $(FDT_OBJ),$^) $(FDT_LIBS) $(LDLIBS)

-include $(LIB_OBJ:.o=.d) $(TOOL_OBJ:.o=.d) $(SIM_OBJ:.o=.d) $(UNIT_SRC:%.c=$(B)/%.d) $(B)/tools/cli.d

# small, without what only a debugger or an unwinder reads; the rooms through which every
# byte passes are made for speed
STATIC_CFLAGS ?= -Os -fno-asynchronous-unwind-tables -fno-unwind-tables -fno-pie
STATIC_LDFLAGS ?= -s -no-pie -Wl,-z,noseparate-code
STATIC_MAKE = $(MAKE) --no-print-directory B=build-static CC='$(MUSL_CC)' STATIC=1 \
	CFLAGS='$(STATIC_CFLAGS)' LDFLAGS='$(LDFLAGS) $(STATIC_LDFLAGS)'
ifdef STATIC
HOT := arena buf dts_lex dts_value fdt tree
$(HOT:%=$(B)/lib/%.o): override CFLAGS += -O2
endif

static:
	+$(STATIC_MAKE) programs

# ---------------------------------------------------------------- man pages

man: $(PAGES:%=build/man/%)
build/man/%: man/%.scd
	@mkdir -p $(@D)
	$(SCDOC) <$< >$@.tmp || { echo '$<: scdoc failed' >&2; rm -f $@.tmp; exit 1; }
	mv $@.tmp $@

# ---------------------------------------------------------------- tests

SANITIZE := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

check: man
	+$(MAKE) --no-print-directory B=build-asan CFLAGS='$(SANITIZE)' programs unit
	+$(MAKE) --no-print-directory programs helper
	+$(MAKE) --no-print-directory static
	+$(STATIC_MAKE) unit
	+$(MAKE) --no-print-directory fuzz-build
	tests/run

demo: programs
	examples/demo.sh

bench: programs helper static
	tests/bench/bench.sh

# downloads two kernel packages of Debian's (about 100 MB) into build/dtbs
check-dtbs: programs static
	@mkdir -p build/dtbs
	tests/check-dtbs.sh >build/dtbs/figures.new || { cat build/dtbs/figures.new; exit 1; }
	mv build/dtbs/figures.new build/dtbs/figures
	cat build/dtbs/figures

FUZZ_FLAGS := -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
FUZZ_BIN := $(FUZZ_SRC:tests/fuzz/%.c=build-fuzz/%)
FUZZ_SECONDS ?= 60

fuzz-build: $(FUZZ_BIN)
# the simulated kernel is what of mk-sim stands below the files and the system calls
SIM_KERNEL := $(addprefix tools/mk-sim/,baseline.c boot.c devices.c fault.c ids.c instance.c kernel.c machine.c \
	machine_device.c memory.c move.c overlay.c overlay_old.c props.c transaction.c trees.c)
build-fuzz/sim: FUZZ_MORE := -iquote tools/mk-sim $(SIM_KERNEL) -lpthread
build-fuzz/sim: $(SIM_KERNEL) $(wildcard tools/mk-sim/*.h)
build-fuzz/%: tests/fuzz/%.c $(LIB_SRC) $(wildcard lib/*.h)
	@mkdir -p $(@D)
	$(CLANG) $(filter-out -isystem%,$(MK_CPPFLAGS)) -std=c11 $(FUZZ_FLAGS) -o $@ $< $(LIB_SRC) $(FUZZ_MORE) -lfdt

fuzz: fuzz-build
	tests/fuzz/run.sh $(FUZZ_SECONDS)

lint:
	tests/lint.sh

# ---------------------------------------------------------------- installing

install: all
	$(INSTALL) -d '$(DESTDIR)$(BINDIR)' '$(DESTDIR)$(COMPDIR)' '$(DESTDIR)$(DOCDIR)/examples/machines' \
		'$(DESTDIR)$(DOCDIR)/jq'
	$(INSTALL) -m 755 $(TOOLS:%=$(B)/bin/%) '$(DESTDIR)$(BINDIR)'
	$(INSTALL) -m 644 $(COMPLETIONS) '$(DESTDIR)$(COMPDIR)'
	$(INSTALL) -m 644 $(JQ_FILTERS) '$(DESTDIR)$(DOCDIR)/jq'
	$(INSTALL) -m 644 README.md CHANGELOG.md contrib/report.schema.json '$(DESTDIR)$(DOCDIR)'
	for f in $(EXAMPLES); do case $$f in *.sh) m=755;; *) m=644;; esac; \
		$(INSTALL) -m $$m "$$f" '$(DESTDIR)$(DOCDIR)/examples' || exit 1; done
	$(INSTALL) -m 644 $(MACHINES) '$(DESTDIR)$(DOCDIR)/examples/machines'
	for p in $(PAGES); do $(INSTALL) -d "$(DESTDIR)$(MANDIR)/man$${p##*.}" && \
		$(INSTALL) -m 644 "build/man/$$p" "$(DESTDIR)$(MANDIR)/man$${p##*.}/$$p" || exit 1; done

uninstall:
	rm -f $(TOOLS:%='$(DESTDIR)$(BINDIR)/%') $(COMPLETIONS:contrib/completion/%='$(DESTDIR)$(COMPDIR)/%')
	for p in $(PAGES); do rm -f "$(DESTDIR)$(MANDIR)/man$${p##*.}/$$p"; done
	rm -f $(EXAMPLES:examples/%='$(DESTDIR)$(DOCDIR)/examples/%') \
		$(MACHINES:examples/%='$(DESTDIR)$(DOCDIR)/examples/%') \
		$(JQ_FILTERS:contrib/jq/%='$(DESTDIR)$(DOCDIR)/jq/%') \
		'$(DESTDIR)$(DOCDIR)/README.md' '$(DESTDIR)$(DOCDIR)/CHANGELOG.md' \
		'$(DESTDIR)$(DOCDIR)/report.schema.json'
	-rmdir '$(DESTDIR)$(DOCDIR)/examples/machines' '$(DESTDIR)$(DOCDIR)/examples' '$(DESTDIR)$(DOCDIR)/jq' '$(DESTDIR)$(DOCDIR)' 2>/dev/null

dist:
	mkdir -p build
	git archive --format=tar --prefix=mktools-$(VERSION)/ HEAD | gzip -n >build/mktools-$(VERSION).tar.gz

clean:
	rm -rf build build-static build-asan build-fuzz
