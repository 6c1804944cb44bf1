// A model at level llvm, by hand: y = x + w for four floats, w being weights.
module attributes {mopt.level = "llvm",
    mopt.weights = [dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>,
                    dense<[10.0, 20.0, 30.0, 40.0]> : tensor<4xf32>]} {
  llvm.mlir.global external constant @mopt_weights() : !llvm.array<0 x i8>
  llvm.mlir.global internal constant @name("add\00")
  llvm.mlir.global internal constant @info("{}\00")
  llvm.mlir.global internal constant @names("x\00y\00")
  llvm.mlir.global internal constant @dim_names("\00\00")
  llvm.mlir.global internal constant @dtypes(dense<[1, 1]> : tensor<2xi32>) : !llvm.array<2 x i32>
  llvm.mlir.global internal constant @ranks(dense<[1, 1]> : tensor<2xi32>) : !llvm.array<2 x i32>
  llvm.mlir.global internal constant @dims(dense<[4, 4]> : tensor<2xi64>) : !llvm.array<2 x i64>
  llvm.mlir.global internal constant @kinds(dense<[1]> : tensor<1xi32>) : !llvm.array<1 x i32>
  llvm.mlir.global internal @storage() {alignment = 8 : i64} : !llvm.array<352 x i8> {
    %0 = llvm.mlir.zero : !llvm.array<352 x i8>
    llvm.return %0 : !llvm.array<352 x i8>
  }

  llvm.mlir.global internal constant @mopt_desc() : !llvm.struct<(i32, i32, ptr, ptr, i32, i32, i64, ptr, ptr, ptr, ptr, ptr, ptr, i64, ptr, i64, ptr, i64, ptr, ptr, ptr, ptr, ptr, i64, i64, ptr, i64, ptr, i64, ptr, ptr, i64, ptr, i64, ptr, ptr, ptr, ptr)> {
    %0 = llvm.mlir.zero : !llvm.struct<(i32, i32, ptr, ptr, i32, i32, i64, ptr, ptr, ptr, ptr, ptr, ptr, i64, ptr, i64, ptr, i64, ptr, ptr, ptr, ptr, ptr, i64, i64, ptr, i64, ptr, i64, ptr, ptr, i64, ptr, i64, ptr, ptr, ptr, ptr)>
    %c1 = llvm.mlir.constant(1 : i32) : i32
    %c288 = llvm.mlir.constant(288 : i32) : i32
    %c2 = llvm.mlir.constant(2 : i64) : i64
    %c128 = llvm.mlir.constant(128 : i64) : i64
    %c352 = llvm.mlir.constant(352 : i64) : i64
    %name = llvm.mlir.addressof @name : !llvm.ptr
    %info = llvm.mlir.addressof @info : !llvm.ptr
    %names = llvm.mlir.addressof @names : !llvm.ptr
    %dtypes = llvm.mlir.addressof @dtypes : !llvm.ptr
    %ranks = llvm.mlir.addressof @ranks : !llvm.ptr
    %dims = llvm.mlir.addressof @dims : !llvm.ptr
    %dim_names = llvm.mlir.addressof @dim_names : !llvm.ptr
    %kinds = llvm.mlir.addressof @kinds : !llvm.ptr
    %weights = llvm.mlir.addressof @mopt_weights : !llvm.ptr
    %entry = llvm.mlir.addressof @mopt_entry : !llvm.ptr
    %create = llvm.mlir.addressof @create : !llvm.ptr
    %storage = llvm.mlir.addressof @storage : !llvm.ptr
    %1 = llvm.insertvalue %c1, %0[0] : !llvm.struct<(i32, i32, ptr, ptr, i32, i32, i64, ptr, ptr, ptr, ptr, ptr, ptr, i64, ptr, i64, ptr, i64, ptr, ptr, ptr, ptr, ptr, i64, i64, ptr, i64, ptr, i64, ptr, ptr, i64, ptr, i64, ptr, ptr, ptr, ptr)>
    %2 = llvm.insertvalue %c288, %1[1] : !llvm.struct<(i32, i32, ptr, ptr, i32, i32, i64, ptr, ptr, ptr, ptr, ptr, ptr, i64, ptr, i64, ptr, i64, ptr, ptr, ptr, ptr, ptr, i64, i64, ptr, i64, ptr, i64, ptr, ptr, i64, ptr, i64, ptr, ptr, ptr, ptr)>
    %3 = llvm.insertvalue %name, %2[2] : !llvm.struct<(i32, i32, ptr, ptr, i32, i32, i64, ptr, ptr, ptr, ptr, ptr, ptr, i64, ptr, i64, ptr, i64, ptr, ptr, ptr, ptr, ptr, i64, i64, ptr, i64, ptr, i64, ptr, ptr, i64, ptr, i64, ptr, ptr, ptr, ptr)>
    %4 = llvm.insertvalue %info, %3[3] : !llvm.struct<(i32, i32, ptr, ptr, i32, i32, i64, ptr, ptr, ptr, ptr, ptr, ptr, i64, ptr, i64, ptr, i64, ptr, ptr, ptr, ptr, ptr, i64, i64, ptr, i64, ptr, i64, ptr, ptr, i64, ptr, i64, ptr, ptr, ptr, ptr)>
    %5 = llvm.insertvalue %c1, %4[4] : !llvm.struct<(i32, i32, ptr, ptr, i32, i32, i64, ptr, ptr, ptr, ptr, ptr, ptr, i64, ptr, i64, ptr, i64, ptr, ptr, ptr, ptr, ptr, i64, i64, ptr, i64, ptr, i64, ptr, ptr, i64, ptr, i64, ptr, ptr, ptr, ptr)>
    %6 = llvm.insertvalue %c1, %5[5] : !llvm.struct<(i32, i32, ptr, ptr, i32, i32, i64, ptr, ptr, ptr, ptr, ptr, ptr, i64, ptr, i64, ptr, i64, ptr, ptr, ptr, ptr, ptr, i64, i64, ptr, i64, ptr, i64, ptr, ptr, i64, ptr, i64, ptr, ptr, ptr, ptr)>
    %7 = llvm.insertvalue %c2, %6[6] : !llvm.struct<(i32, i32, ptr, ptr, i32, i32, i64, ptr, ptr, ptr, ptr, ptr, ptr, i64, ptr, i64, ptr, i64, ptr, ptr, ptr, ptr, ptr, i64, i64, ptr, i64, ptr, i64, ptr, ptr, i64, ptr, i64, ptr, ptr, ptr, ptr)>
    %8 = llvm.insertvalue %names, %7[7] : !llvm.struct<(i32, i32, ptr, ptr, i32, i32, i64, ptr, ptr, ptr, ptr, ptr, ptr, i64, ptr, i64, ptr, i64, ptr, ptr, ptr, ptr, ptr, i64, i64, ptr, i64, ptr, i64, ptr, ptr, i64, ptr, i64, ptr, ptr, ptr, ptr)>
    %9 = llvm.insertvalue %dtypes, %8[8] : !llvm.struct<(i32, i32, ptr, ptr, i32, i32, i64, ptr, ptr, ptr, ptr, ptr, ptr, i64, ptr, i64, ptr, i64, ptr, ptr, ptr, ptr, ptr, i64, i64, ptr, i64, ptr, i64, ptr, ptr, i64, ptr, i64, ptr, ptr, ptr, ptr)>
    %10 = llvm.insertvalue %ranks, %9[9] : !llvm.struct<(i32, i32, ptr, ptr, i32, i32, i64, ptr, ptr, ptr, ptr, ptr, ptr, i64, ptr, i64, ptr, i64, ptr, ptr, ptr, ptr, ptr, i64, i64, ptr, i64, ptr, i64, ptr, ptr, i64, ptr, i64, ptr, ptr, ptr, ptr)>
    %11 = llvm.insertvalue %dims, %10[10] : !llvm.struct<(i32, i32, ptr, ptr, i32, i32, i64, ptr, ptr, ptr, ptr, ptr, ptr, i64, ptr, i64, ptr, i64, ptr, ptr, ptr, ptr, ptr, i64, i64, ptr, i64, ptr, i64, ptr, ptr, i64, ptr, i64, ptr, ptr, ptr, ptr)>
    %12 = llvm.insertvalue %dim_names, %11[11] : !llvm.struct<(i32, i32, ptr, ptr, i32, i32, i64, ptr, ptr, ptr, ptr, ptr, ptr, i64, ptr, i64, ptr, i64, ptr, ptr, ptr, ptr, ptr, i64, i64, ptr, i64, ptr, i64, ptr, ptr, i64, ptr, i64, ptr, ptr, ptr, ptr)>
    %13 = llvm.insertvalue %kinds, %12[12] : !llvm.struct<(i32, i32, ptr, ptr, i32, i32, i64, ptr, ptr, ptr, ptr, ptr, ptr, i64, ptr, i64, ptr, i64, ptr, ptr, ptr, ptr, ptr, i64, i64, ptr, i64, ptr, i64, ptr, ptr, i64, ptr, i64, ptr, ptr, ptr, ptr)>
    %14 = llvm.insertvalue %weights, %13[14] : !llvm.struct<(i32, i32, ptr, ptr, i32, i32, i64, ptr, ptr, ptr, ptr, ptr, ptr, i64, ptr, i64, ptr, i64, ptr, ptr, ptr, ptr, ptr, i64, i64, ptr, i64, ptr, i64, ptr, ptr, i64, ptr, i64, ptr, ptr, ptr, ptr)>
    %15 = llvm.insertvalue %c128, %14[15] : !llvm.struct<(i32, i32, ptr, ptr, i32, i32, i64, ptr, ptr, ptr, ptr, ptr, ptr, i64, ptr, i64, ptr, i64, ptr, ptr, ptr, ptr, ptr, i64, i64, ptr, i64, ptr, i64, ptr, ptr, i64, ptr, i64, ptr, ptr, ptr, ptr)>
    %16 = llvm.insertvalue %entry, %15[18] : !llvm.struct<(i32, i32, ptr, ptr, i32, i32, i64, ptr, ptr, ptr, ptr, ptr, ptr, i64, ptr, i64, ptr, i64, ptr, ptr, ptr, ptr, ptr, i64, i64, ptr, i64, ptr, i64, ptr, ptr, i64, ptr, i64, ptr, ptr, ptr, ptr)>
    %17 = llvm.insertvalue %create, %16[21] : !llvm.struct<(i32, i32, ptr, ptr, i32, i32, i64, ptr, ptr, ptr, ptr, ptr, ptr, i64, ptr, i64, ptr, i64, ptr, ptr, ptr, ptr, ptr, i64, i64, ptr, i64, ptr, i64, ptr, ptr, i64, ptr, i64, ptr, ptr, ptr, ptr)>
    %18 = llvm.insertvalue %storage, %17[22] : !llvm.struct<(i32, i32, ptr, ptr, i32, i32, i64, ptr, ptr, ptr, ptr, ptr, ptr, i64, ptr, i64, ptr, i64, ptr, ptr, ptr, ptr, ptr, i64, i64, ptr, i64, ptr, i64, ptr, ptr, i64, ptr, i64, ptr, ptr, ptr, ptr)>
    %19 = llvm.insertvalue %c352, %18[23] : !llvm.struct<(i32, i32, ptr, ptr, i32, i32, i64, ptr, ptr, ptr, ptr, ptr, ptr, i64, ptr, i64, ptr, i64, ptr, ptr, ptr, ptr, ptr, i64, i64, ptr, i64, ptr, i64, ptr, ptr, i64, ptr, i64, ptr, ptr, ptr, ptr)>
    llvm.return %19 : !llvm.struct<(i32, i32, ptr, ptr, i32, i32, i64, ptr, ptr, ptr, ptr, ptr, ptr, i64, ptr, i64, ptr, i64, ptr, ptr, ptr, ptr, ptr, i64, i64, ptr, i64, ptr, i64, ptr, ptr, i64, ptr, i64, ptr, ptr, ptr, ptr)>
  }

  llvm.func @mopt_rt_api(!llvm.ptr) -> !llvm.ptr
  llvm.func @mopt_rt_create(!llvm.ptr, !llvm.ptr, !llvm.ptr) -> i32
  llvm.func @mopt_rt_weights(!llvm.ptr) -> !llvm.ptr

  // The second piece of the weights starts at 64. The exponential is there to
  // need libm, whose result is not used but for its sign.
  llvm.func @mopt_entry(%run: !llvm.ptr, %inputs: !llvm.ptr, %outputs: !llvm.ptr) -> i32 {
    %weights = llvm.call @mopt_rt_weights(%run) : (!llvm.ptr) -> !llvm.ptr
    %w = llvm.getelementptr %weights[64] : (!llvm.ptr) -> !llvm.ptr, i8
    %x = llvm.load %inputs : !llvm.ptr -> !llvm.ptr
    %y = llvm.load %outputs : !llvm.ptr -> !llvm.ptr
    %a = llvm.load %x {alignment = 4 : i64} : !llvm.ptr -> vector<4xf32>
    %b = llvm.load %w : !llvm.ptr -> vector<4xf32>
    %c = llvm.fadd %a, %b : vector<4xf32>
    %e = llvm.intr.exp(%a) : (vector<4xf32>) -> vector<4xf32>
    %d = llvm.intr.copysign(%c, %e) : (vector<4xf32>, vector<4xf32>) -> vector<4xf32>
    llvm.store %d, %y {alignment = 4 : i64} : vector<4xf32>, !llvm.ptr
    %ok = llvm.mlir.constant(0 : i32) : i32
    llvm.return %ok : i32
  }
  llvm.func @create(%options: !llvm.ptr, %model: !llvm.ptr) -> i32 {
    %desc = llvm.mlir.addressof @mopt_desc : !llvm.ptr
    %0 = llvm.call @mopt_rt_create(%desc, %options, %model) : (!llvm.ptr, !llvm.ptr, !llvm.ptr) -> i32
    llvm.return %0 : i32
  }
  llvm.func @mopt_model_add() -> !llvm.ptr {
    %desc = llvm.mlir.addressof @mopt_desc : !llvm.ptr
    %0 = llvm.call @mopt_rt_api(%desc) : (!llvm.ptr) -> !llvm.ptr
    llvm.return %0 : !llvm.ptr
  }
}
