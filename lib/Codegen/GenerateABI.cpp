// Level in and out: buffer. Adds what a caller of the library meets: the
// function that turns its tensors into memrefs and calls the entry, the model's
// descriptor (Runtime.h: MoptModelDesc), and `mopt_model_<entry>`.
#include "mopt/Codegen/ConstantStruct.h"
#include "mopt/Codegen/DeviceCode.h"
#include "mopt/Codegen/Passes.h"
#include "mopt/Dialect/ONNX/IR/ONNX.h"
#include "mopt/Support/Attributes.h"
#include "mopt/Target/TargetRegistry.h"
#include "mopt/Target/WeightsBlob.h"

#include "../Runtime/Runtime.h"

#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace mopt {
#define GEN_PASS_DEF_GENERATEABI
#include "mopt/Codegen/Passes.h.inc"
} // namespace mopt

using namespace mopt;

/// The MoptDType of a logical element type; MOPT_UNDEFINED if there is none.
static MoptDType getDType(Type type) {
  if (auto integer = dyn_cast<IntegerType>(type)) {
    bool isUnsigned = integer.isUnsigned();
    switch (integer.getWidth()) {
    case 1:
      return MOPT_BOOL;
    case 2:
      return isUnsigned ? MOPT_UINT2 : MOPT_INT2;
    case 4:
      return isUnsigned ? MOPT_UINT4 : MOPT_INT4;
    case 8:
      return isUnsigned ? MOPT_UINT8 : MOPT_INT8;
    case 16:
      return isUnsigned ? MOPT_UINT16 : MOPT_INT16;
    case 32:
      return isUnsigned ? MOPT_UINT32 : MOPT_INT32;
    case 64:
      return isUnsigned ? MOPT_UINT64 : MOPT_INT64;
    default:
      return MOPT_UNDEFINED;
    }
  }
  return llvm::TypeSwitch<Type, MoptDType>(type)
      .Case<Float32Type>([](Type) { return MOPT_FLOAT32; })
      .Case<Float64Type>([](Type) { return MOPT_FLOAT64; })
      .Case<Float16Type>([](Type) { return MOPT_FLOAT16; })
      .Case<BFloat16Type>([](Type) { return MOPT_BFLOAT16; })
      .Case<Float8E4M3FNType>([](Type) { return MOPT_FLOAT8E4M3FN; })
      .Case<Float8E4M3FNUZType>([](Type) { return MOPT_FLOAT8E4M3FNUZ; })
      .Case<Float8E5M2Type>([](Type) { return MOPT_FLOAT8E5M2; })
      .Case<Float8E5M2FNUZType>([](Type) { return MOPT_FLOAT8E5M2FNUZ; })
      .Case<Float4E2M1FNType>([](Type) { return MOPT_FLOAT4E2M1; })
      .Case<Float8E8M0FNUType>([](Type) { return MOPT_FLOAT8E8M0; })
      .Default([](Type) { return MOPT_UNDEFINED; });
}

namespace {
struct GenerateABI : mopt::impl::GenerateABIBase<GenerateABI> {
  void runOnOperation() override {
    func::FuncOp entry;
    for (auto func : getOperation().getOps<func::FuncOp>())
      if (func->hasAttr(kEntryAttr))
        entry = func;
    if (!entry)
      return;
    auto signature = entry->getAttrOfType<DictionaryAttr>(kSignatureAttr);
    if (!signature) {
      entry.emitError("expected the attribute '") << kSignatureAttr << "'";
      return signalPassFailure();
    }
    entry.setPrivate();
    emitEntry(entry);
    if (failed(emitDescriptor(entry, signature)))
      signalPassFailure();
  }

  //===--------------------------------------------------------------------===//
  // The entry on the runtime's tensors
  //===--------------------------------------------------------------------===//

  Value getField(OpBuilder &b, Location loc, Value tensors, int64_t number,
                 size_t fieldOffset, Type type) {
    Type pointer = LLVM::LLVMPointerType::get(&getContext());
    int64_t offset = number * sizeof(MoptTensor) + fieldOffset;
    Value address = LLVM::GEPOp::create(
        b, loc, pointer, b.getI8Type(), tensors,
        ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(offset)});
    return type ? LLVM::LoadOp::create(b, loc, type, address).getResult()
                : address;
  }

  /// A contiguous memref at `data` with the sizes of its type, the dynamic ones
  /// read from `dims`.
  Value createMemRef(OpBuilder &b, Location loc, LLVMTypeConverter &types,
                     MemRefType type, Value data, Value dims) {
    Type pointer = LLVM::LLVMPointerType::get(&getContext());
    Type i64 = b.getI64Type();
    auto constant = [&](int64_t value) -> Value {
      return LLVM::ConstantOp::create(b, loc, i64, b.getI64IntegerAttr(value));
    };
    auto descriptor = MemRefDescriptor::poison(b, loc, types.convertType(type));
    descriptor.setAllocatedPtr(b, loc, data);
    descriptor.setAlignedPtr(b, loc, data);
    descriptor.setOffset(b, loc, constant(0));
    Value stride = constant(1);
    for (int64_t dim = type.getRank() - 1; dim >= 0; --dim) {
      Value size;
      if (type.isDynamicDim(dim)) {
        Value address = LLVM::GEPOp::create(
            b, loc, pointer, i64, dims,
            ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(dim)});
        size = LLVM::LoadOp::create(b, loc, i64, address);
      } else {
        size = constant(type.getDimSize(dim));
      }
      descriptor.setSize(b, loc, dim, size);
      descriptor.setStride(b, loc, dim, stride);
      stride = LLVM::MulOp::create(b, loc, stride, size);
    }
    return UnrealizedConversionCastOp::create(b, loc, type, Value(descriptor))
        .getResult(0);
  }

  void emitEntry(func::FuncOp entry) {
    MLIRContext *ctx = &getContext();
    Location loc = entry.getLoc();
    OpBuilder b = OpBuilder::atBlockEnd(getOperation().getBody());
    Type pointer = LLVM::LLVMPointerType::get(ctx), i64 = b.getI64Type(),
         i32 = b.getI32Type();
    LLVMTypeConverter types(ctx);
    auto declare = [&](StringRef name) {
      LLVM::LLVMFuncOp::create(b, loc, name,
                               LLVM::LLVMFunctionType::get(pointer, {pointer}));
    };
    declare("mopt_rt_arena");
    declare("mopt_rt_weights");
    declare("mopt_rt_repacked");
    auto wrapper = LLVM::LLVMFuncOp::create(
        b, loc, "mopt_entry",
        LLVM::LLVMFunctionType::get(i32, {pointer, pointer, pointer}),
        LLVM::Linkage::Internal);
    Block *body = wrapper.addEntryBlock(b);
    b.setInsertionPointToStart(body);
    Value run = body->getArgument(0), inputs = body->getArgument(1),
          outputs = body->getArgument(2);

    SmallVector<Value> operands;
    int64_t nextInput = 0;
    for (unsigned i = 0; i < entry.getNumArguments(); ++i) {
      auto type = cast<MemRefType>(entry.getArgumentTypes()[i]);
      auto attr = [&](StringRef name) {
        return entry.getArgAttrOfType<IntegerAttr>(i, name);
      };
      static constexpr std::pair<StringRef, StringRef> areas[] = {
          {kArenaAttr, "mopt_rt_arena"},
          {kWeightsAttr, "mopt_rt_weights"},
          {kRepackedBytesAttr, "mopt_rt_repacked"}};
      auto area = llvm::find_if(
          areas, [&](auto &entry) { return bool(attr(entry.first)); });
      if (area != std::end(areas)) {
        Value base =
            LLVM::CallOp::create(b, loc, TypeRange(pointer), area->second, run)
                .getResult();
        Value bytes = LLVM::ConstantOp::create(b, loc, i64, attr(area->first));
        // One dimension, whose size stands in a slot.
        Value one =
            LLVM::ConstantOp::create(b, loc, i64, b.getI64IntegerAttr(1));
        Value slot = LLVM::AllocaOp::create(b, loc, pointer, i64, one, 8);
        LLVM::StoreOp::create(b, loc, bytes, slot);
        operands.push_back(createMemRef(b, loc, types, type, base, slot));
        continue;
      }
      Value tensors = inputs;
      int64_t number = nextInput;
      if (IntegerAttr output = attr(kOutputAttr)) {
        tensors = outputs;
        number = output.getInt();
      } else {
        ++nextInput;
      }
      Value data = getField(b, loc, tensors, number, offsetof(MoptTensor, data),
                            pointer);
      Value dims = getField(b, loc, tensors, number, offsetof(MoptTensor, dims),
                            pointer);
      operands.push_back(createMemRef(b, loc, types, type, data, dims));
    }
    auto call = func::CallOp::create(b, loc, entry, operands);
    auto returned = entry->getAttrOfType<DenseI64ArrayAttr>(kReturnedAttr);
    for (auto [result, number] :
         llvm::zip_equal(call.getResults(), returned.asArrayRef())) {
      auto type = cast<MemRefType>(result.getType());
      MemRefDescriptor descriptor(UnrealizedConversionCastOp::create(
                                      b, loc, types.convertType(type), result)
                                      .getResult(0));
      Value data = descriptor.alignedPtr(b, loc);
      Value offset = descriptor.offset(b, loc);
      data = LLVM::GEPOp::create(b, loc, pointer,
                                 types.convertType(type.getElementType()), data,
                                 offset);
      LLVM::StoreOp::create(
          b, loc, data,
          getField(b, loc, outputs, number, offsetof(MoptTensor, data), {}));
      Value dims = getField(b, loc, outputs, number, offsetof(MoptTensor, dims),
                            pointer);
      for (int64_t dim = 0; dim < type.getRank(); ++dim) {
        Value address = LLVM::GEPOp::create(
            b, loc, pointer, i64, dims,
            ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(dim)});
        LLVM::StoreOp::create(b, loc, descriptor.size(b, loc, dim), address);
      }
    }
    Value ok =
        LLVM::ConstantOp::create(b, loc, i32, b.getI32IntegerAttr(MOPT_OK));
    LLVM::ReturnOp::create(b, loc, ok);
  }

  //===--------------------------------------------------------------------===//
  // The descriptor
  //===--------------------------------------------------------------------===//

  static int32_t getOutputKind(func::FuncOp entry, int64_t output) {
    auto isIn = [&](StringRef name) {
      auto numbers = entry->getAttrOfType<DenseI64ArrayAttr>(name);
      return numbers && llvm::is_contained(numbers.asArrayRef(), output);
    };
    if (!isIn(kReturnedAttr))
      return MOPT_RT_OUTPUT_DESTINATION;
    return isIn(kSizedAttr) ? MOPT_RT_OUTPUT_SIZED_RESULT
                            : MOPT_RT_OUTPUT_RESULT;
  }

  LogicalResult emitDescriptor(func::FuncOp entry, DictionaryAttr signature) {
    OpBuilder b = OpBuilder::atBlockEnd(getOperation().getBody());
    Location loc = entry.getLoc();
    ConstantStruct desc(b, loc, getOperation());

    std::string names, dimNames;
    SmallVector<int32_t> dtypes, ranks, kinds;
    SmallVector<int64_t> dims;
    auto inputs = signature.getAs<ArrayAttr>("inputs"),
         outputs = signature.getAs<ArrayAttr>("outputs");
    for (ArrayAttr list : {inputs, outputs})
      for (auto spec : list.getAsRange<DictionaryAttr>()) {
        auto name = spec.getAs<StringAttr>("name");
        auto type =
            cast<RankedTensorType>(spec.getAs<TypeAttr>("type").getValue());
        dtypes.push_back(getDType(type.getElementType()));
        if (dtypes.back() == MOPT_UNDEFINED)
          return entry.emitError("'")
                 << name.getValue() << "' has elements of "
                 << type.getElementType() << ", which no caller can pass";
        ranks.push_back(type.getRank());
        names += name.getValue().str() + '\0';
        auto symbols = spec.getAs<ArrayAttr>("dims");
        for (int64_t dim = 0; dim < type.getRank(); ++dim) {
          dims.push_back(type.isDynamicDim(dim) ? -1 : type.getDimSize(dim));
          auto symbol = symbols && symbols.size() == size_t(type.getRank())
                            ? dyn_cast<StringAttr>(symbols[dim])
                            : StringAttr();
          // A name on an output is only a promise if nothing contradicts it,
          // which the file does not tell.
          bool isNamed = symbol && type.isDynamicDim(dim) && list == inputs;
          dimNames += (isNamed ? symbol.getValue().str() : "") + '\0';
        }
      }
    for (size_t i = 0; i < outputs.size(); ++i)
      kinds.push_back(getOutputKind(entry, i));
    int64_t arenaBytes = 0, weightsBytes = 0;
    for (unsigned i = 0; i < entry.getNumArguments(); ++i) {
      if (auto bytes = entry.getArgAttrOfType<IntegerAttr>(i, kArenaAttr))
        arenaBytes = bytes.getInt();
      if (auto bytes = entry.getArgAttrOfType<IntegerAttr>(i, kWeightsAttr))
        weightsBytes = bytes.getInt();
    }
    int64_t specs = inputs.size() + outputs.size();
    int64_t storageBytes = MOPT_RT_STORAGE_BYTES(specs, int64_t(dims.size()));

    desc.addI32(MOPT_RT_DESC_VERSION);
    desc.addI32(sizeof(MoptModelDesc));
    auto buildInfo = getOperation()->getAttrOfType<StringAttr>(kBuildInfoAttr);
    auto weightsFile =
        getOperation()->getAttrOfType<StringAttr>(kWeightsFileAttr);
    std::string entryName = entry.getName().str();
    desc.addBytes(entryName + std::string(1, '\0'));
    desc.addBytes((buildInfo ? buildInfo.getValue().str() : "{}") +
                  std::string(1, '\0'));
    desc.addI32(inputs.size());
    desc.addI32(outputs.size());
    desc.addI64(dims.size());
    desc.addBytes(names);
    desc.addArray<int32_t>(dtypes);
    desc.addArray<int32_t>(ranks);
    desc.addArray<int64_t>(dims);
    desc.addBytes(dimNames);
    desc.addArray<int32_t>(kinds);
    desc.addI64(arenaBytes);
    if (weightsBytes > 0 && !weightsFile)
      desc.addExternal(WeightsBlob::kSymbol);
    else
      desc.addNull();
    desc.addI64(weightsBytes);
    if (weightsBytes > 0 && weightsFile) {
      FailureOr<WeightsBlob> weights = WeightsBlob::fromModule(getOperation());
      if (failed(weights))
        return failure();
      desc.addBytes(weightsFile.getValue().str() + std::string(1, '\0'));
      desc.addI64(weights->id());
    } else {
      desc.addNull();
      desc.addI64(0);
    }
    desc.addAddress("mopt_entry");
    for (StringRef query : {"mopt_infer_dims", "mopt_dynamic_bytes"})
      if (getOperation().lookupSymbol(query))
        desc.addAddress(query);
      else
        desc.addNull();
    desc.addAddress(emitCreate(b, loc));
    desc.addStorage(storageBytes);
    desc.addI64(storageBytes);
    std::string kernels;
    ArrayRef<Attribute> places;
    if (auto profile = getOperation()->getAttrOfType<ArrayAttr>(kProfileAttr))
      places = profile.getValue();
    for (Attribute place : places)
      for (auto text : cast<ArrayAttr>(place).getAsRange<StringAttr>())
        kernels += text.getValue().str() + '\0';
    desc.addI64(places.size());
    desc.addBytes(kernels);
    auto state =
        getOperation()->getAttrOfType<IntegerAttr>(kProcessorStateAttr);
    desc.addI64(state ? state.getInt() : 0);
    addTarget(desc);
    addRepacks(desc);
    if (auto code =
            getOperation()->getAttrOfType<StringAttr>(kDeviceCodeAttr)) {
      desc.addExternal(getOperation()->hasAttr(kSharedMemoryAttr)
                           ? "mopt_rt_shared_device"
                           : "mopt_rt_device");
      desc.addBytes(code.getValue().str() + std::string(1, '\0'));
      auto image = getOperation()->getAttrOfType<StringAttr>(kDeviceImageAttr);
      desc.addBytes(image ? image.getValue() : StringRef());
    } else {
      for (int field = 0; field < 3; ++field)
        desc.addNull();
    }
    // Variants are chained when they meet in one library.
    desc.addNull();
    desc.emit(kDescriptorSymbol);

    Type pointer = LLVM::LLVMPointerType::get(&getContext());
    LLVM::LLVMFuncOp::create(b, loc, "mopt_rt_api",
                             LLVM::LLVMFunctionType::get(pointer, {pointer}));
    SmallVector<std::string> symbols{"mopt_model_" + entryName, "mopt_model"};
    for (const std::string &symbol : symbols) {
      auto function = LLVM::LLVMFuncOp::create(
          b, loc, symbol, LLVM::LLVMFunctionType::get(pointer, {}));
      function.setPassthroughAttr(b.getStrArrayAttr({kBaselineAttr}));
      OpBuilder inner = OpBuilder::atBlockBegin(function.addEntryBlock(b));
      Value address =
          LLVM::AddressOfOp::create(inner, loc, pointer, kDescriptorSymbol);
      auto call = LLVM::CallOp::create(inner, loc, TypeRange(pointer),
                                       "mopt_rt_api", address);
      LLVM::ReturnOp::create(inner, loc, call.getResult());
    }
    return success();
  }

  /// The machine, and what of its features a processor can be asked for.
  void addTarget(ConstantStruct &desc) {
    auto attr =
        getOperation()->getAttrOfType<TargetAttr>(TargetAttr::kModuleAttr);
    TargetInfo target = attr ? TargetInfo(attr) : TargetInfo();
    std::string name = target.name;
    if (auto host = getOperation()->getAttrOfType<TargetAttr>(kHostAttr)) {
      target = TargetInfo(host);
      name += "," + target.name;
    }
    std::string names;
    SmallVector<MoptFeature> features;
    for (const FeatureRow *row : getRequiredFeatures(target)) {
      names += row->name + std::string(1, '\0');
      features.push_back(
          {row->leaf, row->subleaf, row->word, row->bit, row->state});
    }
    desc.addBytes(name + std::string(1, '\0'));
    desc.addI64(features.size());
    desc.addBytes(names);
    desc.addArray<MoptFeature>(features);
  }

  /// The weights that are laid out anew.
  void addRepacks(ConstantStruct &desc) {
    ArrayRef<int64_t> numbers;
    if (auto repacks =
            getOperation()->getAttrOfType<DenseI64ArrayAttr>(kRepacksAttr))
      numbers = repacks.asArrayRef();
    int64_t bytes = 0;
    if (auto attr =
            getOperation()->getAttrOfType<IntegerAttr>(kRepackedBytesAttr))
      bytes = attr.getInt();
    desc.addI64(numbers.size() * sizeof(int64_t) / sizeof(MoptRepack));
    desc.addArray<int64_t>(numbers);
    desc.addI64(bytes);
  }

  /// `create(options, model)` of the table, which knows its descriptor.
  std::string emitCreate(OpBuilder &b, Location loc) {
    Type pointer = LLVM::LLVMPointerType::get(&getContext()),
         i32 = b.getI32Type();
    LLVM::LLVMFuncOp::create(
        b, loc, "mopt_rt_create",
        LLVM::LLVMFunctionType::get(i32, {pointer, pointer, pointer}));
    auto function = LLVM::LLVMFuncOp::create(
        b, loc, "mopt_create",
        LLVM::LLVMFunctionType::get(i32, {pointer, pointer}),
        LLVM::Linkage::Internal);
    function.setPassthroughAttr(b.getStrArrayAttr({kBaselineAttr}));
    Block *body = function.addEntryBlock(b);
    OpBuilder inner = OpBuilder::atBlockBegin(body);
    Value address =
        LLVM::AddressOfOp::create(inner, loc, pointer, kDescriptorSymbol);
    auto call = LLVM::CallOp::create(
        inner, loc, TypeRange(i32), "mopt_rt_create",
        ValueRange{address, body->getArgument(0), body->getArgument(1)});
    LLVM::ReturnOp::create(inner, loc, call.getResult());
    return "mopt_create";
  }
};
} // namespace
