{{ config(materialized='view') }}

{%- set fields = {
    'status': ["nullif(status, 'not_shared')"],
    'owner': ['owner', 'owner_email'],
    'region': ['country_code', "country_code || '-' || state"],
    'segment': ['segment'],
    'industry': ['industry'],
} -%}
{%- set pass_through_aliases = [] -%}
{%- for column in account_mapping.pass_through_columns() if account_mapping.crms_named(column['crm']) -%}
    {%- if column['alias'] | lower not in fields and column['alias'] not in pass_through_aliases -%}
        {%- do pass_through_aliases.append(column['alias']) -%}
    {%- endif -%}
{%- endfor -%}
with

accounts as (

    select * from {{ ref('int_account_mapping__accounts') }}
    where not is_excluded

),

partner_accounts as (

    select * from {{ ref('int_account_mapping__partner_accounts') }}
    where not is_excluded

),

attributes as (

    {% for field, expressions in fields.items() -%}
    {%- for expression in expressions -%}
    select
        'ours' as side,
        '*' as partner_id,
        account_id,
        '{{ field }}' as field,
        lower(trim({{ expression }})) as field_value

    from accounts

    union all

    select
        'partner' as side,
        partner_id,
        account_id,
        '{{ field }}' as field,
        lower(trim({{ expression }})) as field_value

    from partner_accounts
    {% if not loop.last %}
    union all

    {% endif -%}
    {%- endfor -%}
    {%- if not loop.last %}
    union all

    {% endif -%}
    {%- endfor -%}
    {%- for alias in pass_through_aliases %}
    union all

    select
        'ours' as side,
        '*' as partner_id,
        account_id,
        {{ account_mapping._text_literal(alias | lower) }} as field,
        lower(trim({{ account_mapping.json_value('pass_through', alias) }})) as field_value

    from accounts
    {%- endfor %}

),

final as (

    select * from attributes
    where field_value <> ''

)

select * from final
