# The pages of /api/docs as one generated C file; included by the Makefile, which puts PAGES_OBJECTS into the library of the API.
PAGE_FILES := $(sort $(wildcard src/api/docs/*))
PAGES_OBJECTS := $(OUT)/obj/api_pages.o

$(OUT)/api_pages.c: scripts/embed_pages.sh $(PAGE_FILES)
	$(SAY) EMBED $@
	@mkdir -p $(@D)
	$(QUIET)scripts/embed_pages.sh $(PAGE_FILES) > $@

$(PAGES_OBJECTS): $(OUT)/api_pages.c src/api/pages.h
	$(SAY) CC $<
	@mkdir -p $(@D)
	$(QUIET)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<
