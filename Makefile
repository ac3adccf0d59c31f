# Breakout Bot - the front door of a developer. `make help` lists every target.
#
#   BUILD=dir    where everything goes                 (build)
#   MODE=        release | asan | tsan | coverage | fuzz (release)
#   CC=          gcc | clang-14                        (gcc)
#   JOBS=n       how many at once                      (all cores)
#
# Each pair of compiler and mode has its own folder $(OUT), so nothing is built with mixed flags.
# A layer is a static library of the files found in its folder: adding a source needs no edit here.

BUILD ?= build
MODE ?= release
ifeq ($(origin CC),default)
CC := gcc
endif
JOBS ?= $(shell nproc)
OUT := $(BUILD)/$(notdir $(CC))-$(MODE)
V ?= 0

ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(JOBS)
endif
MAKEFLAGS += --no-print-directory --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

ifeq ($(V),1)
QUIET :=
SAY := @:
else
QUIET := @
SAY := @printf '  %-7s %s\n'
endif

# --- flags --------------------------------------------------------------------------------------------------------
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror
MACHINE := $(shell $(CC) -dumpmachine 2>/dev/null)
IS_CLANG := $(findstring clang,$(notdir $(CC)))

HARDENING := -fstack-protector-strong -fstack-clash-protection
HARDENING += $(if $(IS_CLANG),-D_FORTIFY_SOURCE=2,-D_FORTIFY_SOURCE=3)
HARDENING += $(if $(findstring x86_64,$(MACHINE)),-fcf-protection)
SANITIZE := -fno-omit-frame-pointer -fno-sanitize-recover=all

FLAGS_release := -O2 $(HARDENING)
FLAGS_asan := -O1 $(SANITIZE) -fsanitize=address,undefined
FLAGS_tsan := -O1 $(SANITIZE) -fsanitize=thread
FLAGS_coverage := -Og --coverage
FLAGS_fuzz := -O1 $(SANITIZE) -fsanitize=address,undefined,fuzzer-no-link
ifeq ($(origin FLAGS_$(MODE)),undefined)
$(error MODE=$(MODE) is unknown: use release, asan, tsan, coverage or fuzz)
endif

# gcc optimises the program and the benches once more as a whole when it links them. Fat objects hold machine code as well: the tests are linked
# from it, because a whole for each of them would take minutes, and purity.sh reads it. The files were compiled with every warning; what is guessed
# across them is not wanted (-w).
ifeq ($(MODE)$(IS_CLANG),release)
WHOLE_COMPILE = -flto=auto -ffat-lto-objects -frandom-seed=$<
WHOLE_LINK := -flto=auto -w
# Events and orders are a few hundred bytes: gcc would clear and copy them by "rep stos" and "rep movs", whose start costs more than the work.
BLOCKS := unrolled_loop:64:noalign,libcall:-1:noalign
FLAGS_release += $(if $(findstring x86_64,$(MACHINE)),-mmemset-strategy=$(BLOCKS) -mmemcpy-strategy=$(BLOCKS))
# Where a run spends its time. Nothing of -O3 changes a result of ours: no sum of doubles is reordered without -ffast-math.
$(addprefix $(OUT)/obj/src/,$(addsuffix /%.o,base core engine adapters/sim adapters/source)): CFLAGS += -O3
PLAIN_LINK := -fno-lto
endif

CPPFLAGS += -Isrc -MMD -MP
CFLAGS := -std=gnu17 -g -fPIE -fvisibility=hidden -ffp-contract=off $(WARNINGS) $(FLAGS_$(MODE)) $(EXTRA_CFLAGS)
# The last bit of every result is part of the product: nothing may be reordered, fused or skipped.
EXACT_CFLAGS := -fno-fast-math -fno-math-errno
LDFLAGS := -pie $(filter -fsanitize% --coverage,$(FLAGS_$(MODE)))
ifeq ($(MODE),release)
LDFLAGS += -Wl,-z,noexecstack,-z,relro,-z,now
endif
LDLIBS := -lmicrohttpd -lwslay -lhiredis -lcurl -ljansson -lsqlite3 -lzstd -lz -lcrypto -lsodium -luv -lpthread -lm

# --- sources ------------------------------------------------------------------------------------------------------
object = $(patsubst %.c,$(OUT)/obj/%.o,$(1))
tree = $(sort $(shell find $(1) -name '*.c' 2>/dev/null))

BASE := $(call tree,src/base)
CORE := $(call tree,src/core)
ENGINE := $(call tree,src/engine)
RUNNER := $(call tree,src/runner)
ADAPTERS := $(call tree,src/adapters)
API := $(call tree,src/api)
APPS := $(filter-out src/apps/main.c,$(call tree,src/apps))
SUPPORT := $(call tree,tests/support)
# Sets BUILTIN_OBJECTS: the presets of presets/ as one generated .c inside librunner.a.
-include src/runner/presets_builtin.mk
# Sets PAGES_OBJECTS: the pages of /api/docs as one generated .c inside libapi.a.
-include src/api/pages.mk

# From the highest layer to the lowest: the order the linker needs.
LIBRARIES := $(addprefix $(OUT)/lib,apps.a api.a adapters.a runner.a engine.a core.a base.a)
BREAKOUT := $(OUT)/breakout

.PHONY: all
all: $(if $(wildcard src/apps/main.c),$(BREAKOUT),$(LIBRARIES)) ## build the libraries and the program (build/breakout)
ifeq ($(MODE)$(CC),releasegcc)
	@if [ -f $(BREAKOUT) ]; then ln -f $(BREAKOUT) $(BUILD)/breakout; fi
endif

# --- rules --------------------------------------------------------------------------------------------------------
$(OUT)/obj/src/core/%.o $(OUT)/obj/src/engine/%.o: CFLAGS += $(EXACT_CFLAGS)

$(OUT)/obj/%.o: %.c
	$(SAY) CC $<
	@mkdir -p $(@D)
	$(QUIET)$(CC) $(CPPFLAGS) $(CFLAGS) $(WHOLE_COMPILE) -c -o $@ $<

# $(call remember,FILE,TEXT) writes the file if the text is another one; what depends on the file is then made anew.
# Done while reading this file, so that `make -q` and `make -n` tell the truth.
remember = $(shell mkdir -p $(OUT); echo '$(2)' | cmp -s - $(1) || echo '$(2)' > $(1))$(1)

# The list of members is a prerequisite too: a deleted source leaves the library.
define library
$(OUT)/lib$(1).a: $(call object,$(2)) $(3) $(call remember,$(OUT)/lib$(1).list,$(2) $(3))
	$$(SAY) AR $$@
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(QUIET)ar qcsD $$@ $$(filter %.o,$$^)
endef
$(eval $(call library,base,$(BASE)))
$(eval $(call library,core,$(CORE)))
$(eval $(call library,engine,$(ENGINE)))
$(eval $(call library,runner,$(RUNNER),$(BUILTIN_OBJECTS)))
$(eval $(call library,adapters,$(ADAPTERS)))
$(eval $(call library,api,$(API),$(PAGES_OBJECTS)))
$(eval $(call library,apps,$(APPS)))
$(eval $(call library,support,$(SUPPORT)))

$(BREAKOUT): $(call object,src/apps/main.c) $(LIBRARIES)
	$(SAY) LD $@
	$(QUIET)$(CC) $(CFLAGS) $(WHOLE_LINK) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# Version, commit and date of that commit reach exactly one object; a date of the build would make two builds differ.
VERSION_TEXT := $(shell sed -n 's/^## \[\{0,1\}\([0-9][0-9.]*\).*/\1/p' CHANGELOG.md 2>/dev/null | head -n 1)
VERSION_COMMIT := $(shell git rev-parse --short=12 HEAD 2>/dev/null)
VERSION_DATE := $(shell git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd 2>/dev/null)
VERSION_DEFINES := -DBREAKOUT_VERSION='"$(or $(VERSION_TEXT),0.0.0)"' -DBREAKOUT_COMMIT='"$(or $(VERSION_COMMIT),unknown)"' \
  -DBREAKOUT_COMMITTED_AT='"$(or $(VERSION_DATE),unknown)"'
export TZ := UTC
$(OUT)/obj/src/base/version.o: $(call remember,$(OUT)/version.stamp,$(VERSION_TEXT) $(VERSION_COMMIT) $(VERSION_DATE))
$(OUT)/obj/src/base/version.o: CPPFLAGS += $(VERSION_DEFINES)

# --- tests --------------------------------------------------------------------------------------------------------
# One file, one program, linked with every layer: tests/unit/test_level.c -> $(OUT)/tests/unit/test_level.
# M=level runs those whose name contains it.
M ?=
TEST_FOLDERS ?= unit golden lifecycle contract simulation
TEST_SOURCES := $(sort $(wildcard $(addsuffix /*.c,$(addprefix tests/,$(TEST_FOLDERS)))))
TEST_CHOSEN := $(if $(M),$(foreach t,$(TEST_SOURCES),$(if $(findstring $(M),$(notdir $(t))),$(t))),$(TEST_SOURCES))
TESTS := $(patsubst tests/%.c,$(OUT)/tests/%,$(TEST_CHOSEN))
BENCHES := $(patsubst tests/%.c,$(OUT)/tests/%,$(sort $(wildcard tests/bench/*.c)))

$(OUT)/obj/tests/%.o: CPPFLAGS += -Itests
$(OUT)/tests/%: LINK := $(PLAIN_LINK)
$(OUT)/tests/bench/%: LINK := $(WHOLE_LINK)
$(OUT)/tests/%: $(OUT)/obj/tests/%.o $(OUT)/libsupport.a $(LIBRARIES)
	$(SAY) LD $@
	@mkdir -p $(@D)
	$(QUIET)$(CC) $(CFLAGS) $(LINK) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) -lcmocka $(LDLIBS)
# Copies of the files with crash points, in which these are there; they come before the libraries, which then have nothing to add.
CRASH_OBJECTS := $(patsubst %.c,$(OUT)/obj/crash/%.o,$(shell grep -lsw CRASH_AT $(BASE) $(RUNNER)))
$(OUT)/obj/crash/%.o: %.c
	$(SAY) CC "$< with crash points"
	@mkdir -p $(@D)
	$(QUIET)$(CC) $(CPPFLAGS) -DBREAKOUT_CRASH_POINTS $(CFLAGS) -c -o $@ $<
$(OUT)/tests/simulation/test_crash_points: $(CRASH_OBJECTS)
# They start the program.
$(addprefix $(OUT)/tests/contract/test_,api_presets api_runs api_random api_upload relief): | $(BREAKOUT)
# Make would delete these as intermediate files and compile every test again next time.
.SECONDARY:

.PHONY: test tests-built
tests-built: $(TESTS)
test: $(TESTS) ## run the tests; M=part of a name runs a few, MODE=asan runs them under ASan and UBSan
	@scripts/run_tests.sh $(OUT)/test-logs $(JOBS) $(TESTS)

-include $(shell find $(OUT)/obj -name '*.d' 2>/dev/null)

# --- checks -------------------------------------------------------------------------------------------------------
SOURCES := $(sort $(shell find src tests -name '*.[ch]' 2>/dev/null))

.PHONY: check check-format check-lint check-lint-quick check-shell check-layers check-purity check-header-once check-docs check-compilers check-sanitized
check: ## everything below, one after another: format, lint, both compilers, tests under ASan+UBSan, layers, purity, docs
	@$(MAKE) check-format check-shell check-layers check-header-once
	@$(MAKE) check-compilers
	@$(MAKE) check-purity check-docs
	@$(MAKE) check-lint
	@$(MAKE) check-sanitized
	@echo "check: all good"

check-format: ## clang-format has nothing to change
	@tests/tidy/format.sh
check-lint: ## clang-tidy (bug-finding checks only) and cppcheck
	@tests/tidy/lint.sh
check-lint-quick: ## the same without the static analyzer: most findings in a tenth of the time
	@tests/tidy/lint.sh --quick
check-shell: ## shellcheck of every script
	@tests/tidy/shell.sh
check-layers: ## no include points up
	@tests/tidy/layers.sh
check-purity: $(OUT)/libbase.a $(OUT)/libcore.a $(OUT)/libengine.a ## core and engine ask libc for nothing that could differ or fail
	@tests/tidy/purity.sh $(OUT)
check-header-once: ## one third-party header, one .c of ours
	@tests/tidy/header_once.sh
check-docs: all ## docs/generated is what the program says now
	@tests/tidy/docs_fresh.sh $(BREAKOUT)
check-compilers: ## gcc and clang build everything without a warning
	@$(MAKE) MODE=release CC=gcc all tests-built
	@$(MAKE) MODE=release CC=clang-14 all tests-built
check-sanitized: ## the tests under ASan and UBSan
	@$(MAKE) MODE=asan test
.PHONY: integrity
integrity: all ## before a commit: the installation (breakout doctor), the quick checks, the tests
	@$(BREAKOUT) doctor
	@$(MAKE) check-format check-shell check-layers check-header-once check-docs
	@$(MAKE) test
.PHONY: check-tidy-self
check-tidy-self: ## each tidy check finds a planted violation
	@tests/tidy/self_test.sh

# --- user interface -----------------------------------------------------------------------------------------------
# Node.js is this machine's or the project's own (scripts/node.sh install).
WITH_NODE = $(abspath scripts/node.sh) run
UI_SOURCES = $(shell find frontend \( -name node_modules -o -name dist -o -name e2e -o -name screenshots \) -prune -o -type f -print 2>/dev/null)
UI_MODULES := frontend/node_modules/.package-lock.json

.PHONY: ui check-ui test-ui e2e screenshots soak-ui
ui: frontend/dist/index.html ## build the user interface (frontend/dist)
$(UI_MODULES): frontend/package.json frontend/package-lock.json
	$(SAY) NPM frontend
	@scripts/node.sh install
	$(QUIET)cd frontend && $(WITH_NODE) npm ci --no-audit --no-fund --loglevel=error
	@touch $@
frontend/dist/index.html: $(UI_MODULES) $(UI_SOURCES)
	$(SAY) UI frontend/dist
	$(QUIET)cd frontend && $(WITH_NODE) npm run --silent build
	@touch $@
check-ui: $(UI_MODULES) ## types, lint, format and dead code of the user interface
	@cd frontend && $(WITH_NODE) npm run --silent check
.PHONY: check-openapi
check-openapi: $(UI_MODULES) ## the document of the API is valid OpenAPI 3.1
	@cd frontend && $(WITH_NODE) npm run --silent check:openapi
test-ui: $(UI_MODULES) ## unit and component tests of the user interface
	@cd frontend && $(WITH_NODE) npm run --silent test
E2E_ARGS ?=
E2E = BREAKOUT_PROGRAM=$(abspath $(BREAKOUT)) $(WITH_NODE)
e2e: all ui ## the user interface in headless Chromium against the real program in demo mode; E2E_ARGS=halt takes one file
	@cd frontend && $(E2E) npm run --silent e2e -- $(E2E_ARGS)
screenshots: all ui ## every page, dark and light, desktop and phone, into frontend/screenshots
	@cd frontend && $(E2E) npm run --silent screenshots
soak-ui: all ui ## half an hour of feed: the memory of the page does not grow
	@cd frontend && $(E2E) npm run --silent soak

# --- tools --------------------------------------------------------------------------------------------------------
.PHONY: fuzz simulate mutants replay coverage bench docs format clean help install-packages bare-debian
T ?=
S ?= 60
fuzz: ## fuzz one parser: T=json S=60 (seconds); corpus in tests/fuzz/corpus/T
	@test -n "$(T)" || { echo "make fuzz: T= is missing, one of: $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))" >&2; exit 2; }
	@test -f tests/fuzz/fuzz_$(T).c || { echo "make fuzz: there is no tests/fuzz/fuzz_$(T).c" >&2; exit 2; }
	@$(MAKE) MODE=fuzz CC=clang-14 fuzz-run T=$(T) S=$(S)
.PHONY: fuzz-run
fuzz-run: $(OUT)/tests/fuzz/fuzz_$(T)
	@mkdir -p $(BUILD)/fuzz/$(T) tests/fuzz/corpus/$(T)
	$(OUT)/tests/fuzz/fuzz_$(T) -max_total_time=$(S) -print_final_stats=1 -artifact_prefix=$(BUILD)/fuzz/$(T)- $(BUILD)/fuzz/$(T) tests/fuzz/corpus/$(T)
$(OUT)/tests/fuzz/%: LDFLAGS += -fsanitize=fuzzer
# What verbs do after their options are read is not done.
WITHOUT_VERBS := -Wl,--wrap=app_next,--wrap=app_fail,--wrap=app_fail_with
$(OUT)/tests/fuzz/fuzz_arguments $(OUT)/tests/seeds/arguments: LDFLAGS += $(WITHOUT_VERBS)
FUZZ_NAMES := $(sort $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c)))
.PHONY: fuzz-all fuzz-all-run fuzz-seeds
fuzz-all: ## fuzz every parser, one after another: S=600 (seconds each), T="json csv" takes some
	@$(MAKE) MODE=fuzz CC=clang-14 fuzz-all-run
fuzz-all-run: $(foreach name,$(or $(T),$(FUZZ_NAMES)),$(OUT)/tests/fuzz/fuzz_$(name))
	@tests/fuzz/run.sh all $(S) $(BUILD)/fuzz $^
# Without a fuzzer, by any compiler: what ./test.sh does.
fuzz-seeds: $(addprefix $(OUT)/tests/seeds/,$(FUZZ_NAMES)) ## the corpus of every parser, and a few hundred changes of each file
	@tests/fuzz/run.sh seeds $^
$(OUT)/tests/seeds/%: $(OUT)/obj/tests/fuzz/fuzz_%.o $(OUT)/obj/tests/fuzz/seeds.o $(OUT)/libsupport.a $(LIBRARIES)
	$(SAY) LD $@
	@mkdir -p $(@D)
	$(QUIET)$(CC) $(CFLAGS) $(PLAIN_LINK) $(LDFLAGS) -o $@ $^ -lcmocka $(LDLIBS)

RUNS ?= 20000
SEED ?= 1
.PHONY: api-random api-random-run
api-random: ## random requests to every route of the real program under ASan and UBSan: S=600 (seconds) SEED=1
	@$(MAKE) MODE=asan api-random-run
api-random-run: $(OUT)/tests/contract/test_api_random
	@API_RANDOM_SECONDS=$(S) API_RANDOM_SEED=$(SEED) $<
.PHONY: crash
CRASH_TEST = $(OUT)/tests/simulation/test_crash_points
crash: $(CRASH_TEST) ## die at every crash point in five states, and come back: SEEDS=1000 SEED=1
	@scripts/crash.sh $(CRASH_TEST) $(SEED) $(or $(SEEDS),1000) $(JOBS)
.PHONY: failing-calls failing-calls-run
failing-calls: ## every call of the system fails in turn, under ASan and UBSan
	@$(MAKE) MODE=asan failing-calls-run
failing-calls-run: $(OUT)/tests/simulation/test_failing_calls
	@FAILING_ALL=1 $<
.PHONY: crash-daemon
crash-daemon: all ## kill -9 of the real server in demo sessions: KILLS=50 SEED=1
	@KILLS=$(or $(KILLS),50) SEED=$(SEED) tests/system/kill_daemon.sh $(BREAKOUT)
simulate: all ## sessions through faults, each with a seed of its own: RUNS=20000 SEED=1
	$(BREAKOUT) simulate --runs $(RUNS) --seed $(SEED) --jobs $(JOBS) --shrink
.PHONY: causality leaks
MONTH ?= recordings/binance-usdm-2025-05
causality: all ## does any decision of a month of 16 symbols know its future? half a minute; MONTH=DATA, PRESET=breakout_v1
	$(BREAKOUT) backtest $(or $(PRESET),breakout_v1) --data $(MONTH) --after-kill next-day --lookahead-check --all --jobs $(JOBS)
leaks: ## plant looks into the future into a copy of the program, one at a time: does the look-ahead check find each? minutes
	@tests/leaks/run.sh
mutants: ## plant faults into a copy of the program, one at a time: which test finds each? an hour
	@tests/mutants/run.sh
J ?=
replay: all ## repeat a recorded session and compare: J=SESSION
	@test -n "$(J)" || { echo "make replay: J= is missing, the session or journal to repeat" >&2; exit 2; }
	$(BREAKOUT) replay $(J) --verify

coverage: ## lines and branches of core and engine that the tests reach
	@$(MAKE) MODE=coverage CC=gcc coverage-run
.PHONY: coverage-run
coverage-run:
	@find $(OUT) -name '*.gcda' -delete 2>/dev/null || true
	@$(MAKE) test TEST_FOLDERS="unit golden lifecycle simulation"
	@scripts/coverage.sh $(OUT)

.PHONY: alerts-test
alerts-test: all ## every alert of Prometheus fired and ended again, 21 of them by failures of the real program, four minutes
	@BREAKOUT_PROGRAM=$(abspath $(BREAKOUT)) tests/system/monitoring.sh --all

.PHONY: noise
noise: $(OUT)/tests/simulation/test_noise ## 200 searches over random walks (SWEEPS=n DAYS=n): how many are told good, and how many with an edge in them
	@$< $(or $(SWEEPS),200) $(or $(DAYS),60)

# bench_l2 measures its reader of messages beside simdjson, where that is installed (g++, libsimdjson-dev).
SIMDJSON := $(if $(and $(shell command -v g++),$(wildcard /usr/include/simdjson.h)),$(OUT)/tests/bench/simdjson_reader)
$(OUT)/tests/bench/simdjson_reader: tests/bench/simdjson_reader.cc
	$(SAY) C++ $<
	@mkdir -p $(@D)
	$(QUIET)g++ -std=c++17 -O3 $(HARDENING) -o $@ $< -lsimdjson
bench: all $(BENCHES) $(SIMDJSON) ## speed of the hot paths beside bare loops
	@scripts/bench.sh $(OUT) $(BENCHES)
docs: all ## write docs/generated and .env.example from the tables
	@scripts/docs.sh $(BREAKOUT) docs/generated
	@$(BREAKOUT) describe settings --as env >.env.example
format: ## clang-format every source (.def tables are columns by hand and stay)
	@printf '%s\n' $(SOURCES) | xargs -r clang-format -i
install-packages: ## install the Debian packages that building and testing need
	@scripts/packages.sh install build test
bare-debian: ## start.sh on a Debian with nothing installed, in a folder made by debootstrap (root, needs a mirror)
	@tests/system/bare_debian.sh
.PHONY: bare-restore
bare-restore: all ## a lost machine: a backup of a trading demo restored on a Debian with nothing installed (root, needs a mirror)
	@BREAKOUT_PROGRAM=$(abspath $(BREAKOUT)) tests/system/bare_debian.sh restore
.PHONY: docker-test
docker-test: ## the stack on a real Docker engine: images, deploy, update under reads, down and up (docker.io, docker-compose, debootstrap, root)
	@tests/docker/stack.sh
.PHONY: docker-update-test
docker-update-test: ## update.sh on a real Docker engine: releases that are no good go back, a good one comes, under reads
	@tests/docker/update.sh
.PHONY: docker-faults docker-profiles
docker-faults: ## Redis away, the disk full, the network away, two minutes each in the middle of a trade (SECONDS_EACH=n)
	@tests/docker/faults.sh $(or $(SECONDS_EACH),120)
docker-profiles: ## staging and production on a real Docker engine, with monitoring and TLS
	@tests/docker/profiles.sh
clean: ## remove what was built
	rm -rf $(BUILD)
help: ## this list
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/\1\t\2/p' $(firstword $(MAKEFILE_LIST)) | awk -F'\t' '{ printf "  %-18s %s\n", $$1, $$2 }'
	@sed -n '3,6s/^#   */  /p' $(firstword $(MAKEFILE_LIST))
