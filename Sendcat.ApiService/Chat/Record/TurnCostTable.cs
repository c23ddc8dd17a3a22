namespace Sendcat.ApiService.Chat.Record;

/// <summary>Where costs of turns are stored, as the migration creates it.</summary>
internal static class TurnCostTable
{
    // The ledger has no foreign key: money is spent whatever happens to the thread. Its key begins with the time, for windows.
    public const string Create = """
        -- create turn costs
        ALTER TABLE stream_sessions ADD prompt_tokens bigint, ADD completion_tokens bigint, ADD cost_micro_usd bigint;

        CREATE TABLE turn_costs (
            ended_at          timestamptz NOT NULL,
            stream_id         uuid NOT NULL,
            number            smallint NOT NULL,
            model             text NOT NULL,
            caller            text NOT NULL,
            address           text,
            calls             integer NOT NULL,
            prompt_tokens     bigint NOT NULL,
            completion_tokens bigint NOT NULL,
            cost_micro_usd    bigint,
            CONSTRAINT pk_turn_costs PRIMARY KEY (ended_at, stream_id, number)
        );
        """;

    public const string Drop = """
        -- drop turn costs
        DROP TABLE turn_costs;
        ALTER TABLE stream_sessions DROP prompt_tokens, DROP completion_tokens, DROP cost_micro_usd;
        """;
}
