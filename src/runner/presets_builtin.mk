# The presets as one generated C file; included by the Makefile, which puts BUILTIN_OBJECTS into the library of the runner.
PRESET_FILES := $(sort $(wildcard presets/*.json))
BUILTIN_OBJECTS := $(OUT)/obj/presets_builtin.o

$(OUT)/presets_builtin.c: scripts/embed_presets.sh $(PRESET_FILES)
	$(SAY) EMBED $@
	@mkdir -p $(@D)
	$(QUIET)scripts/embed_presets.sh $(PRESET_FILES) > $@

# One preset is longer than the string literal every C compiler must accept; gcc and clang have no such limit.
$(BUILTIN_OBJECTS): $(OUT)/presets_builtin.c src/runner/presets_builtin.h
	$(SAY) CC $<
	@mkdir -p $(@D)
	$(QUIET)$(CC) $(CPPFLAGS) $(CFLAGS) -Wno-overlength-strings -c -o $@ $<
