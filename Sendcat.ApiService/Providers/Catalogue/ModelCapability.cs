namespace Sendcat.ApiService.Providers.Catalogue;

/// <param name="NativeTools">
/// True: the model accepts tool declarations. False: a prompt describes the tools, and the model calls them in its text.
/// </param>
/// <param name="Reasoning">True: the model reasons before it answers, and gets the prompt for reasoning models.</param>
internal sealed record ModelCapability(bool NativeTools, bool Reasoning)
{
    /// <summary>True: the model accepts images.</summary>
    public bool Vision { get; init; }

    /// <summary>True: the model accepts PDF files.</summary>
    public bool Files { get; init; }
}
