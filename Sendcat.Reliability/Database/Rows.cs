namespace Sendcat.Reliability.Database;

/// <summary>One outcome of a limit for one key in a time slot of five seconds.</summary>
public sealed class RateLimitEventRow
{
    public long Id { get; set; }

    /// <summary><c>chat_http</c>, <c>chat_action</c> or <c>http</c>.</summary>
    public required string Source { get; set; }

    public required string Bucket { get; set; }

    public required string Key { get; set; }

    /// <summary><c>allowed</c>, <c>blocked</c> or <c>contention_fallback</c>.</summary>
    public required string Outcome { get; set; }

    public string? Reason { get; set; }

    public int? RetryAfterMs { get; set; }

    public string? Path { get; set; }

    public string? Method { get; set; }

    /// <summary><c>source|bucket|key|outcome|reason|start of the time slot in Unix ms</c>.</summary>
    public required string DedupeKey { get; set; }

    /// <summary>How often the outcome occurred in the time slot, over all replicas.</summary>
    public int Hits { get; set; } = 1;

    public DateTimeOffset CreatedAt { get; set; }

    public DateTimeOffset ExpiresAt { get; set; }
}

/// <summary>An alert about a rate limit bucket.</summary>
public sealed class RateLimitAlertRow
{
    public long Id { get; set; }

    public required string AlertKey { get; set; }

    public required string Bucket { get; set; }

    public required string Outcome { get; set; }

    public int Threshold { get; set; }

    public int Observed { get; set; }

    public int WindowMinutes { get; set; }

    public DateTimeOffset CreatedAt { get; set; }

    public DateTimeOffset ExpiresAt { get; set; }
}

/// <summary>A value of a knob that an operator set at run time.</summary>
public sealed class KnobOverrideRow
{
    public required string Name { get; set; }

    public required string Value { get; set; }

    public required string Actor { get; set; }

    public DateTimeOffset UpdatedAt { get; set; }

    /// <summary>When it ends by itself.</summary>
    public DateTimeOffset? Until { get; set; }

    /// <summary>The value that applies afterwards; null: the configuration.</summary>
    public string? ThenValue { get; set; }
}

/// <summary>A change by an operator.</summary>
public sealed class OperatorAuditRow
{
    public long Id { get; set; }

    public required string Actor { get; set; }

    /// <summary>For instance <c>knob.set</c>, <c>knob.clear</c>.</summary>
    public required string Action { get; set; }

    /// <summary>The object that was changed, for instance a knob's name.</summary>
    public required string Target { get; set; }

    public string? Before { get; set; }

    public string? After { get; set; }

    /// <summary>Why, in the operator's words; null for rows that are older than this column, and for data that is reported to
    /// Sendcat.</summary>
    public string? Reason { get; set; }

    public DateTimeOffset CreatedAt { get; set; }
}

/// <summary>A key of an operator or viewer that another operator made. The key itself is not stored.</summary>
public sealed class OperatorKeyRow
{
    public Guid Id { get; set; }

    /// <summary>Unique among the keys that are not revoked.</summary>
    public required string Name { get; set; }

    /// <summary><c>operator</c> or <c>viewer</c>.</summary>
    public required string Role { get; set; }

    /// <summary>SHA-256 of the key, which is 32 random bytes.</summary>
    public required byte[] Hash { get; set; }

    /// <summary>The operator who made it.</summary>
    public required string MadeBy { get; set; }

    public DateTimeOffset MadeAt { get; set; }

    public DateTimeOffset? RevokedAt { get; set; }

    public string? RevokedBy { get; set; }
}
