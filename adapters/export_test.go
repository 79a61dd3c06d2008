package adapters

// Runs is how many people's provisioning the Bridge remembers.
func (b *Bridge) Runs() int {
	b.runs.mu.Lock()
	defer b.runs.mu.Unlock()
	return len(b.runs.byPerson)
}
