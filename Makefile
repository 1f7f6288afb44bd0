# aipc. Plain `make` configures itself; see README.md for the two commands that do everything.
VERSION := $(shell cat VERSION)
CFLAGS  ?= -O2 -g
-include config.mk

# One build folder a sanitizer set: build/ or build/address,undefined/.
B    := build$(addprefix /,$(SANITIZE))
SAN  := $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer)
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wwrite-strings -Wpointer-arith -Wformat=2 \
        $(if $(CI)$(WERROR),-Werror)
HARD := $(if $(SANITIZE),,-D_FORTIFY_SOURCE=2) -fstack-protector-strong -fPIE
ALL_CFLAGS := -std=gnu11 $(WARN) $(CFLAGS) $(HARD) $(SAN) -D_GNU_SOURCE -DAIPC_VERSION='"$(VERSION)"' -I. $(LIB_CFLAGS)
ALL_LDFLAGS := -pie -Wl,-z,relro,-z,now -Wl,--as-needed $(SAN) $(LDFLAGS)

# Rooms in the order of design.md: each is one archive, and links only what stands before it.
BASE     := $(B)/schemas.a $(B)/base.a
LANG_    := $(B)/lang.a
STATE    := $(B)/state.a
ENGINE   := $(B)/engine.a
KUBE     := $(B)/kube.a
PROVIDER := $(B)/providers.a
CLI      := $(B)/cli.a
objs      = $(patsubst %.c,$(B)/%.o,$(1))
CLI_SRC  := $(filter-out cli/main.c,$(wildcard cli/*.c))
SIM_SRC  := $(filter-out sim/main.c,$(wildcard sim/*.c))
RUN_SRC  := $(filter-out runtime/main.c,$(wildcard runtime/*.c runtime/*/*.c))

# What a unit test of a room may link: that room and the ones it stands on.
link_base      := $(BASE)
link_lang      := $(LANG_) $(BASE)
link_state     := $(STATE) $(BASE)
link_engine    := $(ENGINE) $(STATE) $(LANG_) $(BASE)
link_kube      := $(KUBE) $(BASE)
link_providers := $(PROVIDER) $(KUBE) $(link_engine)
link_cli       := $(CLI) $(link_providers)
link_sim       := $(B)/sim.a $(BASE)
link_runtime   := $(B)/runtime.a $(KUBE) $(BASE)

TESTS := $(patsubst tests/unit/%.c,$(B)/tests/unit/%,$(wildcard tests/unit/*/test_*.c))
FUZZ  := $(patsubst tests/fuzz/%.c,$(B)/tests/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
BENCH := $(patsubst bench/%.c,$(B)/bench/%,$(wildcard bench/*.c))
KUBE_TOOLS := $(patsubst %.c,$(B)/%,$(wildcard tests/e2e/kube_*.c))

.PHONY: all check demo bench lint fuzz golden install uninstall clean deps-build deps-check deps-lint tests
.SECONDARY:
.DELETE_ON_ERROR:

all: $(B)/aipc $(B)/aipc-runtime $(B)/aipc-sim

$(B)/aipc: $(B)/cli/main.o $(link_cli)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)
$(B)/aipc-runtime: $(B)/runtime/main.o $(link_runtime)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)
$(B)/aipc-sim: $(B)/sim/main.o $(link_sim)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$(B)/schemas.a:   $(call objs,$(wildcard schemas/*.c))
$(B)/base.a:      $(call objs,$(wildcard base/*.c))
$(B)/lang.a:      $(call objs,$(wildcard lang/*.c))
$(B)/state.a:     $(call objs,$(wildcard state/*.c))
$(B)/engine.a:    $(call objs,$(wildcard engine/*.c))
$(B)/kube.a:      $(call objs,$(wildcard kube/*.c))
$(B)/providers.a: $(call objs,$(wildcard providers/*.c providers/*/*.c))
$(B)/cli.a:       $(call objs,$(CLI_SRC))
$(B)/sim.a:       $(call objs,$(SIM_SRC))
$(B)/runtime.a:   $(call objs,$(RUN_SRC))
$(B)/%.a:
	@rm -f $@; $(AR) rcs $@ $^

$(B)/schemas/data.o: $(wildcard schemas/*.json schemas/*/*.json schemas/crds/*.yaml)

# tests/unit/ROOM/test_X.c links what ROOM may stand on. cmocka is not asked of configure: `make demo` may have run it before `make check` installs cmocka.
define unit_rule
$(B)/tests/unit/$(1)/%: $(B)/tests/unit/$(1)/%.o $(link_$(1))
	$$(CC) $$(ALL_LDFLAGS) -o $$@ $$^ -lcmocka $$(LIBS)
endef
$(foreach room,base lang state engine kube providers cli sim runtime,$(eval $(call unit_rule,$(room))))

$(B)/tests/e2e/kube_%: $(B)/tests/e2e/kube_%.o $(link_kube)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$(B)/tests/fuzz/fuzz_cluster: $(B)/tests/fuzz/%: $(B)/tests/fuzz/%.o $(B)/tests/fuzz/replay.o $(link_runtime)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)
$(B)/tests/fuzz/%: $(B)/tests/fuzz/%.o $(B)/tests/fuzz/replay.o $(link_cli)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)
$(B)/bench/sched $(B)/bench/ctl: $(B)/bench/%: $(B)/bench/%.o $(link_runtime)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)
$(B)/bench/%: $(B)/bench/%.o $(link_cli)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$(B)/%.o: %.c Makefile config.mk
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

tests: $(TESTS) $(FUZZ) $(KUBE_TOOLS)

# The two commands of a fresh machine. Each installs what is missing first, then builds in a second make,
# because config.mk can only be read once the libraries are there. The Kubernetes programs that some tests talk to are built
# once for a machine that has Go; where they cannot be had, those tests are skipped and say why.
deps-build deps-check deps-lint:
	@scripts/deps $(@:deps-%=%)

demo: deps-build
	@$(MAKE) --no-print-directory all
	@examples/demo $(B)
check: deps-check
	@$(MAKE) --no-print-directory all tests
	@scripts/peers >/dev/null || true
	@scripts/oracle >/dev/null || true
	@scripts/tools >/dev/null || true
	@tests/run $(B)
bench: deps-check
	@$(MAKE) --no-print-directory all $(BENCH) $(KUBE_TOOLS)
	@bench/run $(B)
lint: deps-lint
	@$(MAKE) --no-print-directory all
	@scripts/lint
fuzz: deps-lint
	@scripts/fuzz
golden: all
	@scripts/golden $(B)

DESTDIR ?=
prefix ?= /usr/local
install: all
	install -d $(DESTDIR)$(prefix)/bin $(DESTDIR)$(prefix)/share/man/man1 $(DESTDIR)$(prefix)/share/bash-completion/completions
	install -m 755 $(B)/aipc $(B)/aipc-runtime $(B)/aipc-sim $(DESTDIR)$(prefix)/bin/
	install -m 644 man/aipc.1 $(DESTDIR)$(prefix)/share/man/man1/
	$(B)/aipc docs bash > $(DESTDIR)$(prefix)/share/bash-completion/completions/aipc
uninstall:
	rm -f $(DESTDIR)$(prefix)/bin/aipc $(DESTDIR)$(prefix)/bin/aipc-runtime $(DESTDIR)$(prefix)/bin/aipc-sim $(DESTDIR)$(prefix)/share/man/man1/aipc.1 $(DESTDIR)$(prefix)/share/bash-completion/completions/aipc
clean:
	rm -rf build config.mk config.status config.log configure autom4te.cache

# deps and clean need no configuration.
ifneq ($(filter-out demo check bench lint fuzz deps-% clean,$(or $(MAKECMDGOALS),all)),)
config.mk: config.mk.in config.status
	@./config.status --quiet $@
config.status: configure
	@./configure --quiet
configure: configure.ac VERSION
	@autoconf
endif

-include $(shell find $(B) -name '*.d' 2>/dev/null)
