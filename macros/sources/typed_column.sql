{% macro typed_column(column, type, day_first=none, is_iso=false) %}
    {#- A trimmed column of source text as what its type in source_columns says; without a column a typed null.

        Types: `text`; `id` and `salesforce_id` (see clean_id, salesforce_id_18); `reference` (an id, bare or in an object
        around it); `list` and `object` (text, not looked into yet); `decimal`, `integer`, `amount` (see to_decimal),
        `rate` (up to ten decimals); `boolean`; `date` and `timestamp`. day_first: an expression that tells whether the
        column writes days before months. is_iso: whether a date comes from a column of dates or times. -#}
    {%- if column is none -%}
        {%- set types = {
            'decimal': 'decimal(28, 2)', 'amount': 'decimal(28, 2)', 'rate': 'decimal(28, 10)', 'integer': 'bigint',
            'boolean': 'boolean', 'date': 'date', 'timestamp': 'timestamp',
        } -%}
        cast(null as {{ types.get(type, dbt.type_string()) }})
    {%- elif type in ('text', 'list', 'object') -%}
        {{- column -}}
    {%- elif type == 'salesforce_id' -%}
        {{- account_mapping.salesforce_id_18(column, is_clean=true) -}}
    {%- elif type in ('id', 'reference') -%}
        {{- account_mapping.clean_id(column, is_clean=true) -}}
    {%- elif type in ('amount', 'decimal') -%}
        {{- account_mapping.to_decimal(column) -}}
    {%- elif type == 'rate' -%}
        coalesce({{ dbt.safe_cast(column, 'decimal(28, 10)') }}, {{ account_mapping.to_decimal(column) }})
    {%- elif type == 'integer' -%}
        {{- account_mapping.to_integer(column) -}}
    {%- elif type == 'boolean' -%}
        {{- account_mapping.to_boolean(column) -}}
    {%- elif type in ('date', 'timestamp') and is_iso -%}
        cast({{ account_mapping.iso_timestamp(column) }} as {{ type }})
    {%- elif type == 'date' -%}
        {{- account_mapping.to_date(column, day_first, is_clean=true) -}}
    {%- else -%}
        {{- account_mapping.to_timestamp(column, day_first, is_clean=true) -}}
    {%- endif -%}
{% endmacro %}
