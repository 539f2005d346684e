// In front of a source: the branch that Vitis HLS compiles, with Xilinx's own types, on this
// machine. ap_int.h comes first, because its __SYNTHESIS__ branch is for their compiler alone.
#include <ap_int.h>
#define __SYNTHESIS__
