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
        '{{ field }}' as field,
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
        '{{ column.alias | lower }}' as field,
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

final as (

    select
        raw_statuses.account_id,
        raw_statuses.source_relation,
        raw_statuses.source_account_id,
        raw_statuses.field,
        raw_statuses.raw_value,
        coalesce(
            status_rules.status,
            -- accounts that were cleaned elsewhere, or come as hashed keys, may say the standard word itself
            case
                when
                    raw_statuses.source_relation in ('generic', 'shared_keys')
                    and raw_statuses.raw_value in (
                        'customer', 'open_opportunity', 'churned', 'prospect', 'excluded'
                    )
                    then raw_statuses.raw_value
            end
        ) as status,
        -- a column without any rule is no status field, whatever it holds
        ruled_fields.field is not null
        or raw_statuses.source_relation in ('generic', 'shared_keys') as is_status_field

    from raw_statuses
    left join status_rules
        on
            raw_statuses.source_relation = status_rules.source_system
            and raw_statuses.field = status_rules.field
            and raw_statuses.raw_value = status_rules.raw_value
    left join ruled_fields
        on
            raw_statuses.source_relation = ruled_fields.source_system
            and raw_statuses.field = ruled_fields.field
    where raw_statuses.raw_value is not null

)

select * from final
