using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;

namespace Sendcat.Integrations.Extraction;

/// <summary>Models and limits of the extraction of orders from mails, messages and pictures.</summary>
public sealed class ExtractionOptions
{
    private const string ModelId = "^[a-zA-Z0-9._:/-]{3,120}$";

    /// <summary>Model that reads texts, and pictures when the other one fails.</summary>
    [Knob("EXTRACTION_TEXT_MODEL"), RegularExpression(ModelId)]
    public string TextModel { get; set; } = "google/gemini-2.0-flash-001";

    /// <summary>Model that reads pictures, and texts when the other one fails.</summary>
    [Knob("EXTRACTION_IMAGE_MODEL"), RegularExpression(ModelId)]
    public string ImageModel { get; set; } = "mistralai/mistral-small-latest";

    /// <summary>Milliseconds that one model call of the extraction may last.</summary>
    [Knob("EXTRACTION_TIMEOUT_MS"), Range(1_000, 120_000)]
    public int TimeoutMs { get; set; } = 30_000;

    /// <summary>Milliseconds that a model call of the extraction waits for a slot of its bulkhead.</summary>
    [Knob("EXTRACTION_SLOT_WAIT_MS"), Range(0, 60_000)]
    public int SlotWaitMs { get; set; } = 3_000;

    /// <summary>Most tokens of one response of the extraction.</summary>
    [Knob("EXTRACTION_MAX_OUTPUT_TOKENS"), Range(128, 16_384)]
    public int MaxOutputTokens { get; set; } = 1_024;
}
