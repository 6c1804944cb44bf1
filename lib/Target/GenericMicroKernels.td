//===- GenericMicroKernels.td - tiles of plain vectors ------*- tablegen -*-===//
//
// For every machine, in vectors of its own width. Chosen where no row of the
// machine's architecture fits.
//
//===----------------------------------------------------------------------===//

include "mopt/Target/MicroKernelSchema.td"

def GenericMicroKernels : MicroKernelTable;

class GenericProduct<string name, int registers, int rows, int vectors>
    : MicroKernelRow<"product"> {
  let Types = "";
  let Name = "generic-" # name;
  let Registers = registers;
  // The largest tile that the registers hold.
  let Rank = registers;
  let Rows = rows;
  let Vectors = vectors;
}
def : GenericProduct<"8x3", 32, 8, 3>;
def : GenericProduct<"6x2", 16, 6, 2>;
def : GenericProduct<"4x1", 8, 4, 1>;
def : GenericProduct<"1x1", 0, 1, 1>;

class GenericDepthwise<string name, int registers, int rows, int columns>
    : MicroKernelRow<"depthwise"> {
  let Types = "";
  let Name = "generic-depthwise-" # name;
  let Registers = registers;
  // The largest tile that the registers hold.
  let Rank = registers;
  let Rows = rows;
  let Vectors = columns;
}
def : GenericDepthwise<"2x4", 16, 2, 4>;
def : GenericDepthwise<"1x4", 8, 1, 4>;
def : GenericDepthwise<"1x1", 0, 1, 1>;
