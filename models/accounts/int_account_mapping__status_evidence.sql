{%- set standard_fields = ['account_type', 'lifecycle_stage', 'status'] -%}
with

account_records as (

    select * from {{ ref('int_account_mapping__account_records') }}

),

status_rules as (

    select * from {{ ref('stg_account_mapping__settings_status_rules') }}

),

raw_statuses as (

    {% for field in standard_fields %}
    select
        account_id,
        source_relation,
        source_account_id,
        source_table,
        '{{ field }}' as field,
        trim({{ field }}) as written_value,
        lower(trim({{ field }})) as raw_value

    from account_records
    {{ 'union all' if not loop.last }}
    {% endfor %}
    {% for column in account_mapping.pass_through_columns() %}
    union all

    select
        account_id,
        source_relation,
        source_account_id,
        source_table,
        {{ account_mapping._text_literal(column.alias | lower) }} as field,
        trim({{ account_mapping.json_value('pass_through', column.alias) }}) as written_value,
        lower(trim({{ account_mapping.json_value('pass_through', column.alias) }})) as raw_value

    from account_records
    where source_relation = '{{ column.crm }}'
    {% endfor %}

),

ruled_fields as (

    select distinct
        source_system,
        field

    from status_rules

),

kinds as (

    select
        *,
        {{ account_mapping.crm_kind('source_relation') | indent(8) }} as kind

    from raw_statuses

),

final as (

    -- the rule of this CRM, else of its kind
    select
        kinds.account_id,
        kinds.source_relation,
        kinds.source_account_id,
        kinds.source_table,
        kinds.field,
        kinds.raw_value,
        kinds.written_value,
        coalesce(
            own_rules.status,
            kind_rules.status,
            -- accounts that were cleaned elsewhere, or come as hashed keys, may say the standard word itself
            case
                when
                    kinds.kind in ('generic', 'shared_keys')
                    and kinds.raw_value in ('customer', 'open_opportunity', 'churned', 'prospect', 'excluded')
                    then kinds.raw_value
            end
        ) as status,
        -- a column without any rule is no status field, whatever it holds
        own_fields.field is not null
        or kind_fields.field is not null
        or kinds.kind in ('generic', 'shared_keys') as is_status_field

    from kinds
    left join status_rules as own_rules
        on
            kinds.source_relation = own_rules.source_system
            and kinds.field = own_rules.field
            and kinds.raw_value = own_rules.raw_value
    left join status_rules as kind_rules
        on
            kinds.kind = kind_rules.source_system
            and kinds.field = kind_rules.field
            and kinds.raw_value = kind_rules.raw_value
    left join ruled_fields as own_fields
        on
            kinds.source_relation = own_fields.source_system
            and kinds.field = own_fields.field
    left join ruled_fields as kind_fields
        on
            kinds.kind = kind_fields.source_system
            and kinds.field = kind_fields.field
    where kinds.raw_value is not null

)

select * from final
