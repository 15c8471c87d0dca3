#define DRV_VERSION	"1.0"
