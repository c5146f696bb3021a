use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The system's allocator, counting what is in use.
pub(crate) struct Counted;

#[global_allocator]
static COUNTED: Counted = Counted;

static IN_USE: AtomicUsize = AtomicUsize::new(0);

impl Counted {
    /// How many bytes of the heap are in use.
    pub(crate) fn in_use() -> usize {
        IN_USE.load(Ordering::Relaxed)
    }
}

#[allow(unsafe_code, reason = "the trait of allocators is unsafe; every call is handed on as it came")]
// SAFETY: all memory comes from and goes back to the system's allocator, with the layouts that callers gave.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise is handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise is handed on.
        unsafe { System.dealloc(memory, layout) }
    }
}
