namespace Sendcat.ApiService.Callers;

/// <summary>Where blocks are stored, as the migration creates it.</summary>
internal static class CallerBlockTable
{
    public const string Create = """
        -- create caller blocks
        CREATE TABLE caller_blocks (
            caller     text PRIMARY KEY,
            until      timestamptz NOT NULL,
            blocked_at timestamptz NOT NULL,
            blocked_by text NOT NULL,
            reason     text NOT NULL
        );
        """;

    public const string Drop = """
        -- drop caller blocks
        DROP TABLE caller_blocks;
        """;
}
