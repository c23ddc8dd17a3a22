namespace Sendcat.Benchmarks.Jobs;

/// <summary>The settings of client and workers.</summary>
internal static class JobsSettings
{
    /// <summary>All caps at their maximum, so that the cost of a job is measured and not its wait for a slot.</summary>
    public static readonly IReadOnlyDictionary<string, string?> MaxCaps = new Dictionary<string, string?>
    {
        ["FF_TOOL_QUEUE_ENFORCE"] = "true",
        ["TOOL_JOB_WAIT_MS"] = "60000",
        ["TOOL_JOB_MAX_PER_RUN"] = "20",
        ["TOOL_JOB_QMAX_WEB"] = "10000",
        ["TOOL_JOB_QMAX_PROD"] = "10000",
        ["TOOL_JOB_QMAX_GLOB"] = "10000",
        ["TOOL_JOB_RUNMAX_WEB"] = "100",
        ["TOOL_JOB_RUNMAX_PROD"] = "100",
        ["TOOL_JOB_RUNMAX_GLOB"] = "100",
        ["TOOL_JOB_RUNMAX_QOS_REALTIME"] = "100",
        ["TOOL_JOB_RUNMAX_QOS_INTERACTIVE"] = "100",
        ["TOOL_JOB_RUNMAX_QOS_BATCH"] = "100",
        ["BULKHEAD_TOOL_JOB_MAX"] = "300",
        ["BULKHEAD_SERPER_MAX_CONCURRENT"] = "1000",
        ["BULKHEAD_EBAY_MAX_CONCURRENT"] = "1000",
        ["BULKHEAD_GLOBAL_SEARCH_MAX_CONCURRENT"] = "1000",
        // Redis may respond late on a busy machine. The behaviour in this case is not measured here.
        ["REDIS_DECISION_TIMEOUT_MS"] = "1000",
    };

    /// <summary>The default caps, with enforced queue caps.</summary>
    public static readonly IReadOnlyDictionary<string, string?> Defaults = new Dictionary<string, string?>
    {
        ["FF_TOOL_QUEUE_ENFORCE"] = "true",
        ["REDIS_DECISION_TIMEOUT_MS"] = "1000",
    };

    /// <summary>Adds settings in the form <c>NAME=VALUE</c>.</summary>
    public static IReadOnlyDictionary<string, string?> With(this IReadOnlyDictionary<string, string?> settings, IEnumerable<string> more)
    {
        var all = new Dictionary<string, string?>(settings);
        foreach (var setting in more)
        {
            var parts = setting.Split('=', 2);
            all[parts[0]] = parts.ElementAtOrDefault(1);
        }

        return all;
    }

    public static string Text(this IReadOnlyDictionary<string, string?> settings) =>
        string.Join(' ', settings.Select(setting => $"{setting.Key}={setting.Value}"));
}
