package resources

// stateVersion is the schema version of the states of all three resources.
//
// What can be read without it stays at this version: a new attribute is null in
// older states, and an attribute that is gone is dropped. Only a value that
// changes its form or meaning counts it up, with a state upgrader from every
// earlier version (resource.ResourceWithUpgradeState), and adds a recorded state
// to those that TestRecordedStates reads.
const stateVersion = 0
