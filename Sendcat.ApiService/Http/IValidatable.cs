namespace Sendcat.ApiService.Http;

/// <summary>A request body that validates itself beyond the shape of its JSON.</summary>
internal interface IValidatable
{
    /// <summary>
    /// One short sentence for each violated rule. They become the text of a 400 <c>invalid_request</c>. Empty: the body is valid.
    /// </summary>
    IEnumerable<string> Problems();
}
