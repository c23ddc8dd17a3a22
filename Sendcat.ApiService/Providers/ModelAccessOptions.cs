using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;

namespace Sendcat.ApiService.Providers;

/// <summary>Decides which callers may use which models.</summary>
internal sealed class ModelAccessOptions
{
    private const string ListPattern = @"^\s*((\*|[a-zA-Z0-9._:/-]{3,120})\s*(,\s*|$))+$";

    /// <summary>
    /// Models that a guest, or a user without a confirmed address, may use: ids, <c>configured</c> for the four of <c>CHAT_MODEL_*</c>,
    /// <c>*</c> for the catalogue up to <c>CHAT_MODEL_MAX_OUTPUT_PRICE</c>.
    /// </summary>
    [Knob("CHAT_GUEST_MODELS"), RegularExpression(ListPattern)]
    public string GuestModels { get; set; } = ModelAccess.Configured;

    /// <summary>The same for users; <c>*</c> also includes the configured models at any price.</summary>
    [Knob("CHAT_USER_MODELS"), RegularExpression(ListPattern)]
    public string UserModels { get; set; } = ModelAccess.Catalogue;

    /// <summary>US dollars per million output tokens up to which <c>*</c> includes a model of the catalogue.</summary>
    [Knob("CHAT_MODEL_MAX_OUTPUT_PRICE", Unit = "USD"), Range(0d, 10_000d)]
    public double MaxOutputPrice { get; set; } = 20;
}
