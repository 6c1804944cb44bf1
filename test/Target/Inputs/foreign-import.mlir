module attributes {mopt.level = "llvm"} {
  llvm.func @getpwnam() -> !llvm.ptr
  llvm.func @mopt_model_foreign() -> !llvm.ptr {
    %0 = llvm.call @getpwnam() : () -> !llvm.ptr
    llvm.return %0 : !llvm.ptr
  }
}
