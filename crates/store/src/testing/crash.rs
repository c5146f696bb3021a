use super::disk::{Change, FakeDisk, NameChange, write};
use super::sources::Dice;

/// What a disk writes as a whole.
const SECTOR: usize = 512;

/// How much of what was not synced survives.
#[derive(Clone, Copy)]
enum Luck {
    Nothing,
    Everything,
    Some,
}

impl FakeDisk {
    /// The disk as the next start might find it after the power went: what was synced is there; of what was not, any
    /// part may be, in whole sectors, whatever the order in which it was written. The same seed gives the same disk.
    pub fn crash(&self, seed: u64) -> Self {
        let crashed = self.copy();
        let mut dice = Dice::new(seed);
        let mut state = crashed.locked();
        let luck = draw(&mut dice);
        for change in std::mem::take(&mut state.pending_names) {
            if survives(luck, &mut dice) {
                let mut names = std::mem::take(&mut state.durable_names);
                NameChange::apply(change, &mut names);
                state.durable_names = names;
            }
        }
        state.names = state.durable_names.clone();
        for inode in &mut state.inodes {
            let luck = draw(&mut dice);
            for change in std::mem::take(&mut inode.pending) {
                apply(&mut inode.durable, change, luck, &mut dice);
            }
            inode.current = inode.durable.clone();
        }
        drop(state);
        crashed
    }
}

fn draw(dice: &mut Dice) -> Luck {
    match dice.below(6) {
        0 => Luck::Nothing,
        1 => Luck::Everything,
        _ => Luck::Some,
    }
}

fn survives(luck: Luck, dice: &mut Dice) -> bool {
    match luck {
        Luck::Nothing => false,
        Luck::Everything => true,
        Luck::Some => dice.below(2) == 0,
    }
}

fn apply(durable: &mut Vec<u8>, change: Change, luck: Luck, dice: &mut Dice) {
    match change {
        Change::Length(length) => {
            if survives(luck, dice) {
                durable.resize(length, 0);
            }
        }
        Change::Write(offset, bytes) => {
            let mut at = 0;
            while at < bytes.len() {
                // Up to the next boundary of a sector of the file.
                let length = (SECTOR - (offset + at) % SECTOR).min(bytes.len() - at);
                if survives(luck, dice) {
                    write(durable, offset + at, &bytes[at..at + length]);
                }
                at += length;
            }
        }
    }
}
