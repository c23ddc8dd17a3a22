using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Providers;

/// <summary>Addresses, keys, models and timeouts of model calls.</summary>
internal sealed class ProviderRouteOptions
{
    public const string ModelIdPattern = "^[a-zA-Z0-9._:/-]{3,120}$";

    private const string ClassPattern = "^(fast|agent)$";

    /// <summary>Milliseconds until the primary route must have answered with headers.</summary>
    [Knob("CHAT_PROVIDER_PRIMARY_TIMEOUT_MS"), Range(1_000, 120_000)]
    public int PrimaryTimeoutMs { get; set; } = 45_000;

    /// <summary>Further attempts on the primary route before the secondary is tried.</summary>
    [Knob("CHAT_PROVIDER_PRIMARY_RETRIES"), Range(0, 3)]
    public int PrimaryRetries { get; set; }

    /// <summary>Share of turns, in percent, that start on the secondary route instead of the primary, while it works.</summary>
    [Knob("CHAT_PROVIDER_PRIMARY_DRAIN_PCT", Needs = "FF_PROVIDER_FAILOVER_ENABLED"), Range(0, 100)]
    public int PrimaryDrainPercent { get; set; }

    /// <summary>Share of turns, in percent, that do not start on the secondary route, also when the primary one is drained or
    /// full.</summary>
    [Knob("CHAT_PROVIDER_SECONDARY_DRAIN_PCT", Needs = "FF_PROVIDER_FAILOVER_ENABLED"), Range(0, 100)]
    public int SecondaryDrainPercent { get; set; }

    /// <summary>Milliseconds until the secondary route must have answered with headers.</summary>
    [Knob("CHAT_PROVIDER_SECONDARY_TIMEOUT_MS"), Range(1_000, 120_000)]
    public int SecondaryTimeoutMs { get; set; } = 35_000;

    /// <summary>Further attempts on the secondary route.</summary>
    [Knob("CHAT_PROVIDER_SECONDARY_RETRIES"), Range(0, 3)]
    public int SecondaryRetries { get; set; }

    /// <summary>
    /// Milliseconds from the headers until the first token of an answer. Comments of the provider extend the time, up to four times in all.
    /// </summary>
    [Knob("CHAT_PROVIDER_FIRST_TOKEN_MS"), Range(1_000, 600_000)]
    public int FirstTokenMs { get; set; } = 45_000;

    /// <summary>
    /// Milliseconds for which the circuit of a route is half-open before a short model call of our own tests the route, because no turn has
    /// called it; 0: never.
    /// </summary>
    [Knob("CHAT_PROVIDER_RETEST_MS"), Range(0, 3_600_000)]
    public int RetestMs { get; set; } = 15_000;

    /// <summary>Milliseconds without a byte after which a stream counts as stalled, from its first token on.</summary>
    [Knob("CHAT_PROVIDER_IDLE_TIMEOUT_MS"), Range(1_000, 300_000)]
    public int IdleTimeoutMs { get; set; } = 45_000;

    /// <summary>Milliseconds that one model call may last from its start, all attempts included.</summary>
    [Knob("CHAT_PROVIDER_TOTAL_TIMEOUT_MS"), Range(1_000, 3_600_000)]
    public int TotalTimeoutMs { get; set; } = 600_000;

    /// <summary>Model of the primary route for turns of class fast without a requested model.</summary>
    [Knob("CHAT_MODEL_FAST_PRIMARY"), RegularExpression(ModelIdPattern)]
    public string FastPrimaryModel { get; set; } = "moonshotai/kimi-k2.5";

    /// <summary>Model of the secondary route for turns of class fast.</summary>
    [Knob("CHAT_MODEL_FAST_SECONDARY"), RegularExpression(ModelIdPattern)]
    public string FastSecondaryModel { get; set; } = "google/gemini-2.0-flash-exp:free";

    /// <summary>Model of the primary route for turns of class agent without a requested model.</summary>
    [Knob("CHAT_MODEL_AGENT_PRIMARY"), RegularExpression(ModelIdPattern)]
    public string AgentPrimaryModel { get; set; } = "openai/gpt-5";

    /// <summary>Model of the secondary route for turns of class agent.</summary>
    [Knob("CHAT_MODEL_AGENT_SECONDARY"), RegularExpression(ModelIdPattern)]
    public string AgentSecondaryModel { get; set; } = "moonshotai/kimi-k2.5";

    /// <summary>
    /// Maximum tokens of one response, reasoning included: sent as <c>max_tokens</c> with every model call, or less if the model's own
    /// limit is lower.
    /// </summary>
    [Knob("CHAT_MAX_OUTPUT_TOKENS"), Range(16, 200_000)]
    public int MaxOutputTokens { get; set; } = 4_096;

    /// <summary>Class of a turn without a requested model, and of a model of which neither table nor id says one.</summary>
    [Knob("CHAT_DEFAULT_MODEL_CLASS"), RegularExpression(ClassPattern)]
    public string DefaultModelClass { get; set; } = ModelClass.Agent;

    /// <summary>
    /// Classes of models by exact id, <c>id=fast,id=agent</c>; takes precedence over the built-in table and the words of the id.
    /// </summary>
    [Knob("CHAT_MODEL_CLASSES"), RegularExpression(@"^\s*([a-zA-Z0-9._:/-]{3,120}\s*=\s*(fast|agent)\s*(,\s*|$))*$")]
    public string ModelClasses { get; set; } = "";

    /// <summary>Whether the provider's live catalogue refines the built-in capability table.</summary>
    [Knob("CHAT_MODEL_CATALOGUE_ENABLED")]
    public bool CatalogueEnabled { get; set; } = true;

    /// <summary>
    /// Key of the secondary route; empty: the primary's. With a second account a refused key or used-up quota does not fail both routes at
    /// once.
    /// </summary>
    [Knob("CHAT_PROVIDER_SECONDARY_API_KEY", Secret = true)]
    public string SecondaryApiKey { get; set; } = "";

    /// <summary>Address of the secondary route; empty: the primary's.</summary>
    [Knob("CHAT_PROVIDER_SECONDARY_BASE_URL", StartUpOnly = true), HttpUrl]
    public string SecondaryBaseUrl { get; set; } = "";

    /// <summary>The public address of the application, sent to the provider as <c>HTTP-Referer</c>.</summary>
    [Knob("APP_URL", StartUpOnly = true), HttpUrl]
    public string AppUrl { get; set; } = "";

    /// <summary>True: the operator has configured the model for any route. False: the caller chose it.</summary>
    public bool Configures(string model) =>
        model == FastPrimaryModel || model == FastSecondaryModel || model == AgentPrimaryModel || model == AgentSecondaryModel;
}
