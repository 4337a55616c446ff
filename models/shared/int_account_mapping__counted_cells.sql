with

partners as (

    -- of a private set intersection both sides have the matches and count them alike: no counts leave
    select * from {{ ref('int_account_mapping__partners') }}
    where not coalesce(is_blinded, false)

),

overlap_matrix as (

    select * from {{ ref('int_account_mapping__overlap_matrix') }}

),

agreements_in_force as (

    select * from {{ ref('int_account_mapping__agreements_in_force') }}
    where
        direction = 'out'
        and sharing_level <> 'hidden'

),

-- before anything has come from a partner there is nothing to count, and no matrix to keep for the epoch
partners_with_accounts as (

    select distinct scope as partner_id
    from {{ ref('int_account_mapping__members') }}
    where side = 'partner'

),

counted as (

    select
        partner_id,
        rollup,
        our_status,
        partner_status,
        count(*) as companies

    from {{ ref('int_account_mapping__own_companies') }}
    where partner_status is not null
    group by partner_id, rollup, our_status, partner_status

),

final as (

    select
        overlap_matrix.partner_id,
        coalesce(partners.agreement_id, '') as agreement_id,
        coalesce(partners.epoch, '') as epoch,
        overlap_matrix.rollup,
        overlap_matrix.our_status,
        overlap_matrix.partner_status,
        coalesce(counted.companies, 0) as companies,
        agreements_in_force.minimum_count

    from overlap_matrix
    inner join partners
        on overlap_matrix.partner_id = partners.partner_id
    inner join partners_with_accounts
        on overlap_matrix.partner_id = partners_with_accounts.partner_id
    inner join agreements_in_force
        on
            overlap_matrix.partner_id = agreements_in_force.partner_id
            and overlap_matrix.our_status = agreements_in_force.our_status
            and overlap_matrix.partner_status = agreements_in_force.partner_status
    left join counted
        on
            overlap_matrix.partner_id = counted.partner_id
            and overlap_matrix.rollup = counted.rollup
            and overlap_matrix.our_status = counted.our_status
            and overlap_matrix.partner_status = counted.partner_status

)

select * from final
