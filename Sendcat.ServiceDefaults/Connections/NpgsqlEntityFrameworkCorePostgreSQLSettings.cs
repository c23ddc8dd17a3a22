namespace Aspire.Npgsql.EntityFrameworkCore.PostgreSQL;

/// <summary>Stands in for the type of the same name in the package Aspire.Npgsql.EntityFrameworkCore.PostgreSQL.</summary>
public sealed class NpgsqlEntityFrameworkCorePostgreSQLSettings
{
    public string? ConnectionString { get; set; }

    public bool DisableRetry { get; set; }

    /// <summary>Seconds; null: that of the connection string.</summary>
    public int? CommandTimeout { get; set; }

    public bool DisableHealthChecks { get; set; }

    /// <summary>Without effect here: what is exported is decided for the whole process.</summary>
    public bool DisableTracing { get; set; }

    /// <inheritdoc cref="DisableTracing"/>
    public bool DisableMetrics { get; set; }
}
