//! What the owner is told, how soon, and what is folded together: the rules to the last digit.
