#include "config.h"
#include "builder/modfile.h"
#include "cli/status.h"
int modfile_is_newer(const char *n, const char *o, struct error *err){(void)n;(void)o;(void)err;return 1;}
int modfile_check(const struct strv *p, const char *r, const struct strv *s, struct strv *w, struct error *err){(void)p;(void)r;(void)s;(void)w;(void)err;return 0;}
int status_print(const struct settings *s, const struct tree_filter *f, bool json, FILE *out, FILE *errors){
 struct tree_list l; struct error e={0}; (void)json;(void)errors;
 if (tree_read(s->dkms_tree,s->source_tree,f,&l,&e)<0) return 1;
 for(size_t i=0;i<l.n;i++) fprintf(out,"%s/%s, %s, %s: %d\n",l.entries[i].name,l.entries[i].version,l.entries[i].release?:"-",l.entries[i].arch?:"-",l.entries[i].state);
 tree_list_done(&l); return 0;}
