namespace Sendcat.ApiService.Identity.AccountChanges;

/// <summary>
/// What hangs on an account and is deleted with it. Rows that refer to <c>users</c> by a foreign key that cascades need no entry. Every
/// other feature that stores rows of users registers one; the statements run in the order of registration, before the user is deleted.
/// </summary>
/// <param name="Name">What it is, for reports: <c>threads</c>.</param>
/// <param name="Delete">
/// A named SQL statement with the parameter <c>@user</c>, the id of the user. It is repeated until it deletes nothing, so it may delete a
/// part of many rows at a time: each statement of a request has a few seconds.
/// </param>
internal sealed record AccountContent(string Name, string Delete);
