namespace Sendcat.ApiService.Identity.AccountChanges;

/// <summary>
/// What hangs on an account and is deleted before its user. Every feature that stores rows of users registers what it has:
/// <see cref="AccountDeletions"/> runs the statements in the order of registration, each in a transaction of its own. Rows that begin
/// meanwhile are deleted with the user: the foreign keys to <c>users</c> cascade. Only a few rows may be left to them.
/// </summary>
/// <param name="Name">What it is, for logs: <c>threads</c>.</param>
/// <param name="Delete">
/// A named SQL statement with the parameter <c>@user</c>, the id of the user. It is repeated until it changes nothing, so it deletes a part
/// of many rows at a time: each must take less than <see cref="AccountDeletions.StatementTimeout"/>. It locks rows in the order of the
/// other statements that change them: a thread before its messages, and these before their attachments.
/// </param>
internal sealed record AccountContent(string Name, string Delete)
{
    /// <summary>All rows of a table with the column <c>user_id</c>, a thousand at a time.</summary>
    public static AccountContent RowsOf(string table) => new(
        table,
        $"""
        -- delete rows of account
        DELETE FROM {table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {table} WHERE user_id = @user LIMIT 1000))
        """);
}
