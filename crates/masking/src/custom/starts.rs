//! Where an operator's expressions could begin, asked of all of them at once: which of them may have a unit at each of their
//! first places, one bit for each.

use regex_automata::Anchored;
use regex_automata::dfa::{Automaton, dense};
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;

use crate::detect::{View, work};

/// So many units at the start of a match are compared with all expressions at once.
const AT_ONCE: usize = 4;

/// An expression with more ways to begin than this is not told apart any further.
const MAX_STATES: usize = 64;

/// What an expression may have at its first places.
pub(crate) struct Beginning {
    /// For the kinds of what may stand before, see [`kind`].
    first: [[bool; 256]; KINDS],
    later: [[bool; 256]; AT_ONCE - 1],
}

/// What stands before a match matters to `\\b` and `^` in these five ways.
const KINDS: usize = 5;

const fn kind(before: Option<u8>) -> usize {
    match before {
        None => 0,
        Some(b'\n') => 1,
        Some(b'\r') => 2,
        Some(b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'_') => 3,
        Some(_) => 4,
    }
}

impl Beginning {
    /// Of an anchored automaton; the fault is one that it has with what stands before a match.
    pub(crate) fn of(automaton: &dense::DFA<Vec<u32>>) -> Result<Self, String> {
        let mut beginning = Self { first: [[false; 256]; KINDS], later: [[false; 256]; AT_ONCE - 1] };
        let mut states = States::default();
        for before in std::iter::once(None).chain((0..=255).map(Some)) {
            let config = start::Config::new().anchored(Anchored::Yes).look_behind(before);
            let state = automaton.start_state(&config).map_err(|error| error.to_string())?;
            for (unit, possible) in (0..=255_u8).zip(&mut beginning.first[kind(before)]) {
                let next = automaton.next_state(state, unit);
                *possible |= !automaton.is_dead_state(next);
                states.add(automaton, next);
            }
        }
        for later in &mut beginning.later {
            let Some(here) = states.known() else {
                *later = [true; 256];
                continue;
            };
            for state in here {
                for (unit, possible) in (0..=255_u8).zip(later.iter_mut()) {
                    let next = automaton.next_state(state, unit);
                    *possible |= !automaton.is_dead_state(next);
                    states.add(automaton, next);
                }
            }
        }
        Ok(beginning)
    }
}

/// The states in which an automaton may be, until they are too many or a match ends among them.
#[derive(Default)]
struct States {
    states: Vec<StateID>,
    anything: bool,
}

impl States {
    fn add(&mut self, automaton: &dense::DFA<Vec<u32>>, state: StateID) {
        if automaton.is_dead_state(state) || self.states.contains(&state) {
            return;
        }
        self.anything |=
            automaton.is_match_state(state) || automaton.is_quit_state(state) || self.states.len() == MAX_STATES;
        if !self.anything {
            self.states.push(state);
        }
    }

    /// Those at hand, to be followed by the next ones; `None` when anything may follow.
    fn known(&mut self) -> Option<Vec<StateID>> {
        (!self.anything).then(|| std::mem::take(&mut self.states))
    }
}

/// All expressions together.
#[derive(Default)]
pub(crate) struct Starts {
    count: usize,
    /// So many words of 64 bits for each unit at each place.
    width: usize,
    first: Vec<u64>,
    later: Vec<u64>,
}

impl Starts {
    pub(crate) fn new<'a>(beginnings: impl ExactSizeIterator<Item = &'a Beginning>) -> Self {
        let count = beginnings.len();
        let width = count.div_ceil(64);
        let (first, later) = (vec![0; KINDS * 256 * width], vec![0; (AT_ONCE - 1) * 256 * width]);
        let mut starts = Self { count, width, first, later };
        for (place, beginning) in beginnings.enumerate() {
            let (word, bit) = (place / 64, 1 << (place % 64));
            let set = |table: &mut Vec<u64>, possible: &[[bool; 256]]| {
                for (row, _) in possible.as_flattened().iter().enumerate().filter(|(_, possible)| **possible) {
                    table[row * width + word] |= bit;
                }
            };
            set(&mut starts.first, &beginning.first);
            set(&mut starts.later, &beginning.later);
        }
        starts
    }

    /// Calls `visit` with the place of each expression that could match at `start`.
    pub(crate) fn each(&self, view: View<'_>, start: usize, mut visit: impl FnMut(usize)) {
        let Some(unit) = view.units.get(start).filter(|_| self.count > 0) else { return };
        let row = kind(start.checked_sub(1).map(|before| view.units[before])) * 256 + usize::from(*unit);
        for word in 0..self.width {
            let mut left = self.first[row * self.width + word];
            let following = view.units[start + 1..].iter().take(AT_ONCE - 1).enumerate();
            for (place, unit) in following {
                if left == 0 {
                    break;
                }
                work(1);
                left &= self.later[(place * 256 + usize::from(*unit)) * self.width + word];
            }
            while left != 0 {
                visit(word * 64 + left.trailing_zeros() as usize);
                left &= left - 1;
            }
        }
    }
}
