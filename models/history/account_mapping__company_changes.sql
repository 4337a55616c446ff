{%- set forever = "cast('9999-12-31' as date)" -%}
{%- set each_record = 'over (partition by partner_id, account_id order by valid_from)' -%}
with

register as (

    select
        *,
        coalesce(valid_to, {{ forever }}) as valid_until

    from {{ ref('int_account_mapping__company_register') }}

),

last_run as (

    select max(valid_from) as last_run_on
    from register
    where record = 'run'

),

followed as (

    select
        *,
        lag(company_id) {{ each_record }} as former_company_id,
        lag(valid_until) {{ each_record }} as former_valid_until

    from register
    where
        record = 'member'
        and valid_until > valid_from

),

-- a record that goes from one company to another does so on one day
moved as (

    select
        valid_from as changed_on,
        former_company_id as from_company_id,
        company_id as to_company_id,
        cast(count(*) as bigint) as n_members

    from followed
    where former_valid_until = valid_from
    group by valid_from, former_company_id, company_id

),

comings_and_goings as (

    select
        company_id,
        valid_from as changed_on,
        1 as joined,
        0 as has_left

    from followed

    union all

    select
        company_id,
        valid_until as changed_on,
        0 as joined,
        1 as has_left

    from followed
    where valid_until < {{ forever }}

),

daily as (

    select
        company_id,
        changed_on,
        cast(sum(joined) as bigint) as members_joined,
        cast(sum(has_left) as bigint) as members_left

    from comings_and_goings
    group by company_id, changed_on

),

counted as (

    select
        *,
        cast(sum(members_joined - members_left) over (
            partition by company_id
            order by changed_on
            rows between unbounded preceding and current row
        ) as bigint) as members,
        row_number() over (partition by company_id order by changed_on) = 1 as is_first

    from daily

),

lives as (

    select
        *,
        members - members_joined + members_left = 0 as begins,
        members = 0 as ends

    from counted

),

moves as (

    select
        moved.*,
        origins.ends as origin_ends,
        destinations.begins as destination_begins,
        row_number() over (
            partition by moved.from_company_id, moved.changed_on
            order by moved.n_members desc, moved.to_company_id
        ) = 1 as is_main

    from moved
    inner join lives as origins
        on
            moved.from_company_id = origins.company_id
            and moved.changed_on = origins.changed_on
    inner join lives as destinations
        on
            moved.to_company_id = destinations.company_id
            and moved.changed_on = destinations.changed_on

),

origins_of_new as (

    select distinct
        to_company_id,
        changed_on

    from moves

),

ways_out as (

    select distinct
        from_company_id,
        changed_on

    from moves

),

changes as (

    -- where an id that begins came out of others, or one that ends went into another, the rows below tell so
    select
        lives.company_id,
        lives.changed_on,
        case
            when lives.begins and not lives.is_first then 'returned'
            when lives.begins then 'founded'
            when lives.ends then 'retired'
            else 'kept'
        end as change,
        cast(null as {{ dbt.type_string() }}) as other_company_id,
        lives.members_joined,
        lives.members_left

    from lives
    left join origins_of_new
        on
            lives.company_id = origins_of_new.to_company_id
            and lives.changed_on = origins_of_new.changed_on
    left join ways_out
        on
            lives.company_id = ways_out.from_company_id
            and lives.changed_on = ways_out.changed_on
    where
        not (lives.begins and lives.is_first and origins_of_new.to_company_id is not null)
        and not (lives.ends and ways_out.from_company_id is not null)

    union all

    select
        from_company_id as company_id,
        changed_on,
        'merged_into' as change,
        to_company_id as other_company_id,
        cast(0 as bigint) as members_joined,
        n_members as members_left

    from moves
    where
        origin_ends
        and is_main

    union all

    select
        to_company_id as company_id,
        changed_on,
        case when destination_begins then 'split_from' else 'moved_from' end as change,
        from_company_id as other_company_id,
        n_members as members_joined,
        cast(0 as bigint) as members_left

    from moves
    where
        destination_begins
        or not (origin_ends and is_main)

),

final as (

    select
        changes.company_id,
        changes.changed_on,
        changes.change,
        changes.other_company_id,
        changes.members_joined,
        changes.members_left,
        changes.changed_on = last_run.last_run_on as is_latest_run

    from changes
    cross join last_run

)

select * from final
