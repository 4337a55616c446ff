{% macro crm_records(object, columns) %}
    {#- The rows of an object of all CRMs in use, with the columns {column: type}; object: as of crm_models. -#}
    {%- for model in account_mapping.crm_models(object).values() %}
    select
        {{- account_mapping.typed_columns(columns) }}

    from {{ ref(model) }}
    {{- '\n\n    union all\n' if not loop.last }}
    {%- else %}
    {{ account_mapping.no_rows(columns) }}
    {%- endfor %}
{% endmacro %}
