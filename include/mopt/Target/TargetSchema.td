//===- TargetSchema.td - classes of target rows -------------*- tablegen -*-===//
//
// Facts about machines are rows of these classes, in
// lib/Target/<Arch>/<Arch>.td; llvm-tblgen -gen-searchable-tables turns them
// into constexpr tables whose rows come out sorted by the name of their def.
//
//===----------------------------------------------------------------------===//

#ifndef MOPT_TARGET_TARGETSCHEMA_TD
#define MOPT_TARGET_TARGETSCHEMA_TD

include "llvm/TableGen/SearchableTable.td"

// A machine that code can be made for: `struct TargetRow`.
class TargetRow<string name> {
  // What --target= takes.
  string Name = name;
  string Triple = ?;
  // LLVM's processor name that fixes the instruction set. A generic level is
  // used where a product's own name would switch on features that virtual
  // machines of that product lack.
  string Cpu = ?;
  // LLVM's processor name that instructions are scheduled for.
  string Tune = Cpu;
  // Every feature that generated code may rely on, "+a,+b", and no other:
  // `native` takes the row, and a library its code, only where a machine has
  // all of them.
  string Features = "";
  bits<32> VectorBits = ?;
  bits<32> VectorRegisters = ?;
  bits<32> L1Bytes = ?;
  bits<32> L2Bytes = ?;
  // `native`, and a library for several machines, take the fitting row of the
  // highest rank.
  bits<32> Rank = ?;
}

class TargetTable : GenericTable {
  let FilterClass = "TargetRow";
  let Fields = ["Name", "Triple", "Cpu", "Tune", "Features", "VectorBits",
                "VectorRegisters", "L1Bytes", "L2Bytes", "Rank"];
}

// How a library that runs asks whether its processor has a feature: `struct
// FeatureRow`. Every feature that a TargetRow has needs one.
class FeatureRow<string name> {
  // LLVM's.
  string Name = name;
  // Where the bit is: of x86, a leaf and subleaf of CPUID and the register, 0 to
  // 3 for EAX to EDX; of AArch64, the type of an entry of the auxiliary vector.
  bits<32> Leaf = ?;
  bits<32> Subleaf = 0;
  bits<32> Word = 0;
  bits<32> Bit = ?;
  // The bits of XCR0 for the registers that come with it.
  bits<64> State = 0;
}

class FeatureTable : GenericTable {
  let FilterClass = "FeatureRow";
  let Fields = ["Name", "Leaf", "Subleaf", "Word", "Bit", "State"];
}

// Functions of the system's libraries that a linked library may refer to:
// `struct SystemSymbolRow`. The version is the newest one that is old enough
// for every supported system, so that no machine's libc decides the bytes.
class SystemSymbolRow<string library, string version, string names> {
  string Library = library;
  string Version = version;
  // Separated by blanks.
  string Names = names;
}

class SystemSymbolTable : GenericTable {
  let FilterClass = "SystemSymbolRow";
  let Fields = ["Library", "Version", "Names"];
}

#endif // MOPT_TARGET_TARGETSCHEMA_TD
