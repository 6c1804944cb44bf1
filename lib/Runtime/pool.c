/* pool.c: the static thread pool. A loop is cut into a part for each thread,
 * and each part into pieces. A thread takes the pieces of its part one by one
 * from the front, then those of others from the back: who is slower, or does
 * not run because another program keeps a processor busy, has fewer.
 * Each thread waits for a loop at a ticket of its own: it spins for a bounded
 * time, then sleeps on a futex. A pool that is busy, because another model
 * shares it or because a body starts a loop, runs the loop on the calling
 * thread: no deadlock, and no more threads than were asked for. */
#include "Pool.h"
#include "Model.h"
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_SPIN_US 200
#define CACHE_LINE 64
/* Pieces of a part, if it has so many iterations. */
#define PART_PIECES 32

typedef struct Pool Pool;

/// A place where one thread waits until a number changes.
typedef struct Gate {
  _Alignas(CACHE_LINE) atomic_uint number;
  atomic_uint sleeping;
} Gate;

/// Pieces of a thread's part that nobody has taken: from the first, in the low
/// half, to the end, in the high one.
typedef struct Part {
  _Alignas(CACHE_LINE) atomic_ullong pieces;
} Part;

typedef struct Worker {
  Gate ticket;
  Part part;
  /// The last ticket that was used, by the worker or in its stead.
  atomic_uint claimed;
  Pool *pool;
  int64_t index;
  pthread_t thread;
} Worker;

/// What does not survive a fork: the kernel clears this page in the child, so
/// that the child starts threads of its own.
typedef struct Process {
  atomic_int busy;
  atomic_int workers;
} Process;

struct Pool {
  MoptPool interface;
  atomic_int references;
  int32_t threads;
  int64_t spin_ns;
  Process *process;
  atomic_int stop;
  MoptLoopBody body;
  void *data;
  int64_t count;
  /// Iterations of a piece; the last one may have fewer.
  int64_t piece;
  /// Of the loop; the calling thread's part, those of workers before and after.
  int64_t helpers;
  Part part;
  /// Workers that may still run.
  Gate pending;
  Worker workers[];
};

static int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Returns once the number differs from `seen`. A pause is 10 to 50 ns, a look
 * at the clock about 25, hence one look for 32 pauses. */
static void gate_wait(Gate *gate, unsigned seen, int64_t spin_ns) {
  int64_t end = spin_ns > 0 ? now_ns() + spin_ns : 0;
  while (spin_ns > 0) {
    for (int i = 0; i < 32; ++i) {
      if (atomic_load_explicit(&gate->number, memory_order_acquire) != seen)
        return;
      mopt_rt_relax();
    }
    if (now_ns() >= end)
      break;
  }
  /* Either the other side sees `sleeping`, or this side the new number: both
   * orders are sequentially consistent. */
  atomic_store(&gate->sleeping, 1);
  while (atomic_load(&gate->number) == seen)
    syscall(SYS_futex, &gate->number, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
  atomic_store(&gate->sleeping, 0);
}

/* After a change of the number. */
static void gate_wake(Gate *gate) {
  if (atomic_load(&gate->sleeping))
    syscall(SYS_futex, &gate->number, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL,
            0);
}

static Part *get_part(Pool *pool, int64_t thread) {
  return thread == 0 ? &pool->part : &pool->workers[thread - 1].part;
}

/* Takes a piece of the part and runs it. False if none is left. */
static int run_piece(Pool *pool, Part *part, int from_back) {
  unsigned long long pieces = atomic_load(&part->pieces), rest;
  uint32_t first, end;
  do {
    first = (uint32_t)pieces;
    end = (uint32_t)(pieces >> 32);
    if (first == end)
      return 0;
    rest = from_back ? pieces - (1ull << 32) : pieces + 1;
  } while (!atomic_compare_exchange_weak(&part->pieces, &pieces, rest));
  int64_t begin = (from_back ? end - 1 : first) * pool->piece;
  int64_t left = pool->count - begin;
  pool->body(pool->data, begin,
             begin + (left < pool->piece ? left : pool->piece));
  return 1;
}

/* Runs what is left of the thread's own part, then of the others'. */
static void run_parts(Pool *pool, int64_t thread) {
  int64_t threads = pool->helpers + 1;
  while (run_piece(pool, get_part(pool, thread), 0))
    ;
  for (int64_t i = 1; i < threads; ++i)
    while (run_piece(pool, get_part(pool, (thread + i) % threads), 1))
      ;
}

/* Whether the ticket is the caller's to use. Only then is the loop that it
 * belongs to sure to be the one in the pool. */
static int claim(Worker *worker, unsigned ticket) {
  unsigned last = ticket - 1;
  return atomic_compare_exchange_strong(&worker->claimed, &last, ticket);
}

static void *worker_main(void *argument) {
  Worker *worker = argument;
  Pool *pool = worker->pool;
  unsigned seen = 0;
  for (;;) {
    gate_wait(&worker->ticket, seen, pool->spin_ns);
    if (atomic_load(&pool->stop))
      return NULL;
    /* Tickets between the last and this one went to the calling thread. */
    seen = atomic_load(&worker->ticket.number);
    if (!claim(worker, seen))
      continue;
    run_parts(pool, worker->index);
    if (atomic_fetch_sub(&pool->pending.number, 1) == 1)
      gate_wake(&pool->pending);
  }
}

/* Starts the workers, with all signals blocked: those are the program's. The
 * number that started; the system may refuse some. */
static int start_workers(Pool *pool) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int started = 0;
  for (; started < pool->threads - 1; ++started) {
    Worker *worker = &pool->workers[started];
    memset(worker, 0, sizeof(*worker));
    worker->pool = pool;
    worker->index = started + 1;
    if (pthread_create(&worker->thread, NULL, worker_main, worker) != 0)
      break;
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return started;
}

static int32_t pool_thread_count(MoptPool *interface) {
  return ((Pool *)interface)->threads;
}

static void pool_parallel_for(MoptPool *interface, int64_t count,
                              MoptLoopBody body, void *data) {
  Pool *pool = (Pool *)interface;
  if (count <= 0)
    return;
  if (count == 1 || pool->threads == 1 ||
      atomic_exchange(&pool->process->busy, 1)) {
    body(data, 0, count);
    return;
  }
  int workers = atomic_load(&pool->process->workers);
  if (workers == 0) {
    workers = start_workers(pool);
    atomic_store(&pool->process->workers, workers);
  }
  int64_t helpers = count - 1 < workers ? count - 1 : workers;
  int64_t threads = helpers + 1;
  int64_t piece = count / (threads * PART_PIECES);
  piece = piece > 0 ? piece : 1;
  int64_t pieces = count / piece + (count % piece != 0);
  pool->body = body;
  pool->data = data;
  pool->count = count;
  pool->piece = piece;
  pool->helpers = helpers;
  /* Parts differ by one piece at most; the longer ones come first. There are
   * less than 2 * PART_PIECES pieces for each thread: 32 bits hold their
   * numbers. */
  unsigned long long first = 0;
  for (int64_t i = 0; i < threads; ++i) {
    unsigned long long end = first + pieces / threads + (i < pieces % threads);
    atomic_store_explicit(&get_part(pool, i)->pieces, end << 32 | first,
                          memory_order_relaxed);
    first = end;
  }
  atomic_store_explicit(&pool->pending.number, (unsigned)helpers,
                        memory_order_relaxed);
  for (int64_t i = 0; i < helpers; ++i) {
    atomic_fetch_add(&pool->workers[i].ticket.number, 1);
    gate_wake(&pool->workers[i].ticket);
  }
  run_parts(pool, 0);
  /* Nothing is left for threads that have not begun. */
  for (int64_t i = 0; i < helpers; ++i) {
    Worker *worker = &pool->workers[i];
    if (claim(worker, atomic_load_explicit(&worker->ticket.number,
                                           memory_order_relaxed)))
      atomic_fetch_sub(&pool->pending.number, 1);
  }
  unsigned left;
  while ((left = atomic_load_explicit(&pool->pending.number,
                                      memory_order_acquire)) != 0)
    gate_wait(&pool->pending, left, pool->spin_ns);
  atomic_store_explicit(&pool->process->busy, 0, memory_order_release);
}

static void pool_retain(MoptPool *interface) {
  atomic_fetch_add(&((Pool *)interface)->references, 1);
}

static void pool_release(MoptPool *interface) {
  Pool *pool = (Pool *)interface;
  if (atomic_fetch_sub(&pool->references, 1) != 1)
    return;
  int workers = atomic_load(&pool->process->workers);
  atomic_store(&pool->stop, 1);
  for (int i = 0; i < workers; ++i) {
    atomic_fetch_add(&pool->workers[i].ticket.number, 1);
    gate_wake(&pool->workers[i].ticket);
  }
  for (int i = 0; i < workers; ++i)
    pthread_join(pool->workers[i].thread, NULL);
  munmap(pool->process, sizeof(Process));
  free(pool);
}

MoptStatus mopt_rt_pool_create(const MoptPoolOptions *options,
                               MoptPool **result) {
  MoptPoolOptions chosen;
  if (!result)
    return MOPT_INVALID_ARGUMENT;
  *result = NULL;
  MoptStatus read = mopt_rt_read_options(&chosen, sizeof(chosen), options);
  if (read)
    return read;
  int32_t threads = mopt_rt_choose_threads(chosen.threads);
  size_t bytes = sizeof(Pool) + (size_t)(threads - 1) * sizeof(Worker);
  void *memory;
  if (posix_memalign(&memory, CACHE_LINE, bytes) != 0)
    return MOPT_OUT_OF_MEMORY;
  memset(memory, 0, bytes);
  Pool *pool = memory;
  pool->process = mmap(NULL, sizeof(Process), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pool->process == MAP_FAILED) {
    free(pool);
    return MOPT_OUT_OF_MEMORY;
  }
  /* Refused by old kernels and emulators: then a forked child has no threads
   * in its pool, and must make its own model. */
  madvise(pool->process, sizeof(Process), MADV_WIPEONFORK);
  pool->interface.abi_version = MOPT_MODEL_ABI_VERSION;
  pool->interface.struct_bytes = sizeof(MoptPool);
  pool->interface.thread_count = pool_thread_count;
  pool->interface.parallel_for = pool_parallel_for;
  pool->interface.retain = pool_retain;
  pool->interface.release = pool_release;
  pool->references = 1;
  pool->threads = threads;
  pool->spin_ns = chosen.spin_us == 0  ? DEFAULT_SPIN_US * (int64_t)1000
                  : chosen.spin_us < 0 ? 0
                                       : chosen.spin_us * (int64_t)1000;
  *result = &pool->interface;
  return MOPT_OK;
}
