{{ config(enabled=var('account_mapping__history')) }}
{%- set previous = 'over (partition by partner_id, account_id, partner_account_id order by valid_from)' -%}
{#- what people read of an interval: its name in a list of changes, and the columns that hold it -#}
{%- set kinds = {
    'our_status': ['our_status'], 'partner_status': ['partner_status'], 'relationship': ['relationship'],
    'is_primary': ['is_primary'], 'our_open_amount': ['our_open_amount'],
    'family': [
        'our_unit_id', 'partner_unit_id', 'our_unit_status', 'partner_unit_status', 'our_unit_open_amount', 'family_id',
    ],
    'company': ['company_id'],
} %}
with

history as (

    select * from {{ ref('int_account_mapping__history') }}

),

partners as (

    select * from {{ ref('int_account_mapping__named_partners') }}

),

runs as (

    select min(valid_from) as first_run_on
    from history
    where record = 'run'

),

intervals as (

    select * from history
    where
        record = 'overlap'
        and (valid_to is null or valid_to > valid_from)

),

followed as (

    select
        *,
        {% for columns in kinds.values() -%}
        {% for column in columns -%}
        lag({{ column }}) {{ previous }} as previous_{{ column }},
        {% endfor -%}
        {% endfor -%}
        lag(valid_to) {{ previous }} as previous_valid_to,
        lead(valid_from) {{ previous }} as next_valid_from

    from intervals

),

final as (

    select
        followed.partner_id,
        followed.account_id,
        followed.partner_account_id,
        {{ account_mapping.partner_columns('followed') | indent(8) }},
        followed.valid_from,
        followed.valid_to,
        case
            when followed.previous_valid_to is null and followed.valid_from = runs.first_run_on then 'first_run'
            when followed.previous_valid_to is null then 'entered'
            when followed.previous_valid_to < followed.valid_from then 'returned'
            when
                followed.our_status <> followed.previous_our_status
                or followed.partner_status <> followed.previous_partner_status
                then 'status_changed'
            else 'changed'
        end as change,
        case
            when followed.previous_valid_to = followed.valid_from
                then substring(
                    {% for kind, columns in kinds.items() -%}
                    case
                        when
                            false
                            {% for column in columns -%}
                            or followed.{{ column }} <> followed.previous_{{ column }}
                            {% endfor -%}
                            then '; {{ kind }}'
                        else ''
                    end {{ '' if loop.last else '||' }}
                    {% endfor -%}
                    , 3
                )
        end as changed_facts,
        coalesce(followed.next_valid_from > followed.valid_to, followed.valid_to is not null) as has_left,
        followed.our_status,
        followed.partner_status,
        followed.previous_our_status,
        followed.previous_partner_status,
        followed.relationship,
        followed.is_primary,
        followed.our_open_amount,
        followed.our_unit_id as our_ultimate_parent_account_id,
        followed.partner_unit_id as partner_ultimate_parent_account_id,
        followed.our_unit_status as our_family_status,
        followed.partner_unit_status as partner_family_status,
        followed.our_unit_open_amount as our_family_open_amount

    from followed
    cross join runs
    left join partners
        on followed.partner_id = partners.partner_id

)

select * from final
