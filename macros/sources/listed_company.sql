{% macro listed_company(item) -%}
    {#- The company's id, as written, in an item of a list of a HubSpot deal or contact: the item itself, or a field of an
        object. -#}
    {{- account_mapping.object_field(
        item,
        ['companies_id', 'company_id', 'companyId', 'toObjectId', 'objectId', 'hs_object_id', 'id', 'value'],
        otherwise_itself=true
    ) -}}
{%- endmacro %}

{% macro is_primary_association(item) -%}
    {#- Whether an item of a list of a HubSpot deal says that it is its primary company: HubSpot's own type 5, alone or
        among `associationTypes`. Labels of users are numbered anew, so that their 5 says nothing. -#}
    coalesce(
        {{ account_mapping.matches_pattern(item, '"type_?[iI]d"\\s*:\\s*"?5"?\\s*[,}]') }}
        and (
            not {{ account_mapping.matches_pattern(item, '"category"\\s*:\\s*"') }}
            or {{ account_mapping.matches_pattern(
                item,
                '"category"\\s*:\\s*"HUBSPOT_DEFINED"[^{}]*"type_?[iI]d"\\s*:\\s*"?5"?\\s*[,}]'
                ~ '|"type_?[iI]d"\\s*:\\s*"?5"?\\s*,[^{}]*"category"\\s*:\\s*"HUBSPOT_DEFINED"'
            ) }}
        ),
        false
    )
{%- endmacro %}
