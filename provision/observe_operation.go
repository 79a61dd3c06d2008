package provision

// operation is a kind of call, for those who observe it. Its name is that of the directory's method.
type operation int

const (
	opAuthorize operation = iota
	opCreateUser
	opCreateUsers
	opFindUser
	opListUsers
	opUserChanges
	opUpdateUser
	opRevokeSessions
	opDeleteUser
	opFindDeletedUsers
	opRestoreUser
	opPurgeUser
	opSetManager
	opFindGroup
	opAddMembers
	opRemoveMember
	opSKUs
	opChangeLicenses
	opStep // a step of the host's own, which may call anybody
	operations
)

func (o operation) String() string {
	return [operations]string{
		"Authorize", "CreateUser", "CreateUsers", "FindUser", "ListUsers", "UserChanges", "UpdateUser", "RevokeSessions",
		"DeleteUser", "FindDeletedUsers", "RestoreUser", "PurgeUser", "SetManager", "FindGroup", "AddMembers",
		"RemoveMember", "SKUs", "ChangeLicenses", "Step",
	}[o]
}

// looks reports whether the operation asks for something that need not be there.
func (o operation) looks() bool { return o == opFindUser || o == opFindGroup }
