#include "config.h"
#include "cli/status.h"
int status_print(const struct settings *s, const struct tree_filter *f, bool json, FILE *out, FILE *errors){
 struct tree_list l; struct error e={0}; (void)json;(void)errors;
 if (tree_read(s->dkms_tree,s->source_tree,f,&l,&e)<0) return 1;
 for(size_t i=0;i<l.n;i++) fprintf(out,"%s/%s, %s, %s: %d\n",l.entries[i].name,l.entries[i].version,l.entries[i].release?:"-",l.entries[i].arch?:"-",l.entries[i].state);
 tree_list_done(&l); return 0;}
