/// Where unpredictable bytes come from; a failure to draw them must end the process, not the promise.
pub trait Entropy: Send + Sync {
    /// Fills `bytes` with bytes that nobody can predict.
    fn fill(&self, bytes: &mut [u8]);
}
