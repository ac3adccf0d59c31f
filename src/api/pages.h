/* Files of src/api/docs inside the program. */
#ifndef API_PAGES_H
#define API_PAGES_H

#include <stddef.h>

extern const unsigned char page_docs_html[], page_docs_js[], page_docs_css[];
extern const size_t page_docs_html_size, page_docs_js_size, page_docs_css_size;

#endif
