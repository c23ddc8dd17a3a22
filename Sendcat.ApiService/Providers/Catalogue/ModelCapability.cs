namespace Sendcat.ApiService.Providers.Catalogue;

/// <param name="NativeTools">Takes declared tools; otherwise tools are described in a prompt and asked for in text.</param>
/// <param name="Reasoning">Thinks before it answers, and is prompted accordingly.</param>
internal sealed record ModelCapability(bool NativeTools, bool Reasoning);
